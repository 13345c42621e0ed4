import { LockstepError } from '../../kernel/errors.ts';
import type { GraphClient } from './graph-client.ts';

interface Loaded {
  /** Verified ones, in lower case. */
  readonly verified: ReadonlySet<string>;
  readonly defaultName: string;
}

/** The domains of the tenant: asked for once. */
export class Domains {
  readonly #preferred: string | undefined;
  #loaded: Loaded | undefined;

  /** @param preferred the default, where the configuration names one */
  constructor(preferred: string | undefined) {
    this.#preferred = preferred;
  }

  /** @throws LockstepError InvalidConfiguration when the preferred domain is not verified; as GraphClient.get. */
  async load(graph: GraphClient, signal: AbortSignal): Promise<Loaded> {
    this.#loaded ??= await this.#ask(graph, signal);
    return this.#loaded;
  }

  /** What was loaded. @throws LockstepError Internal before that. */
  get known(): Loaded {
    if (this.#loaded !== undefined) return this.#loaded;
    throw new LockstepError('Internal', 'the domains of the tenant were not asked for');
  }

  async #ask(graph: GraphClient, signal: AbortSignal): Promise<Loaded> {
    const { objects } = await graph.list('/domains', 'reading the domains of the tenant', signal);
    const verified = objects.flatMap(({ id, isVerified, isDefault }) =>
      typeof id === 'string' && isVerified === true ? [{ id, isDefault }] : [],
    );
    const names = new Set(verified.map(({ id }) => id.toLowerCase()));
    const byDefault = (verified.find(({ isDefault }) => isDefault === true) ?? verified[0])?.id ?? '';
    const defaultName = this.#preferred ?? byDefault;
    if (names.has(defaultName.toLowerCase())) return { verified: names, defaultName };
    throw new LockstepError(
      'InvalidConfiguration',
      `${defaultName === '' ? 'none' : defaultName} of the tenant's domains is verified`,
      { field: 'defaultDomain', remedy: `Verified are: ${[...names].join(', ') || 'none'}.` },
    );
  }
}
