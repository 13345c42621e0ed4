/** What is parted from a configuration: its secrets by their paths (`token`, `oauth.clientSecret`), and the rest. */
export interface PartedSecrets {
  readonly settings: Record<string, unknown>;
  readonly secrets: Readonly<Record<string, unknown>>;
}

function isGroup(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The object that holds a field, with a copy of every object on the way to it; undefined when there is none. */
function copyHolder(
  settings: Record<string, unknown>,
  way: readonly string[],
): Record<string, unknown> | undefined {
  let holder = settings;
  for (const name of way) {
    const inner = holder[name];
    if (!isGroup(inner)) return undefined;
    const copy = { ...inner };
    holder[name] = copy;
    holder = copy;
  }
  return holder;
}

/** Takes the fields at these paths out of a configuration, which stays as it is. Those that are not set are left out. */
export function partSecretFields(
  configuration: Readonly<Record<string, unknown>>,
  paths: readonly string[],
): PartedSecrets {
  const settings: Record<string, unknown> = { ...configuration };
  const secrets: Record<string, unknown> = {};
  for (const path of paths) {
    const way = path.split('.');
    const name = way.pop() ?? '';
    const holder = copyHolder(settings, way);
    if (holder === undefined) continue;
    if (holder[name] !== undefined) secrets[path] = holder[name];
    delete holder[name];
  }
  return { settings, secrets };
}
