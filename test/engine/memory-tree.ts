import type { ObjectKind } from '../../contract/src/vocabulary.ts';

export type EntryKind = ObjectKind | 'foreign';

/** One thing in a memory system; a `foreign` one is content that no sync knows, such as a printer. */
export interface Entry {
  readonly id: string;
  readonly kind: EntryKind;
  parent: string | null;
  /** Name within its parent: `uid=jdoe`. */
  name: string;
  attributes: Record<string, string[]>;
  /** References of its members, as they were written. */
  members: string[];
  enabled: boolean;
}

export const namingAttributes = { organizationalUnit: 'ou', user: 'uid', group: 'cn' } as const;

/** What a system says no to. */
export class Refused extends Error {}

/** A path as references are compared: letter case does not count. */
export function referenceOf(path: string): string {
  return path.toLowerCase();
}

function kindOf(name: string): EntryKind {
  for (const [kind, attribute] of Object.entries(namingAttributes))
    if (name.startsWith(`${attribute}=`)) return kind as ObjectKind;
  return 'foreign';
}

function splitPath(path: string): { parent: string; name: string } {
  const slash = path.lastIndexOf('/');
  return { parent: path.slice(0, slash), name: path.slice(slash + 1) };
}

/** A tree of entries that refuses what a directory server refuses. Paths are `/ou=people/uid=jdoe`; '' is the top. */
export class MemoryTree {
  readonly entries = new Map<string, Entry>();
  /** Whether references follow their entry when it moves, as with the refint overlay of OpenLDAP. */
  referencesFollow = true;
  #serial = 0;
  readonly #label: string;

  constructor(label: string) {
    this.#label = label;
  }

  pathOf(entry: Entry): string {
    const above = entry.parent === null ? '' : this.pathOf(this.byId(entry.parent));
    return `${above}/${entry.name}`;
  }

  byId(id: string): Entry {
    const entry = this.entries.get(id);
    if (!entry) throw new Refused(`there is no entry ${id}`);
    return entry;
  }

  children(id: string | null): Entry[] {
    return [...this.entries.values()].filter((entry) => entry.parent === id);
  }

  find(path: string): Entry | undefined {
    let parent: string | null = null;
    let found: Entry | undefined;
    for (const step of path.split('/').slice(1)) {
      found = this.children(parent).find(({ name }) => name.toLowerCase() === step.toLowerCase());
      if (!found) return undefined;
      parent = found.id;
    }
    return found;
  }

  get(path: string): Entry {
    const entry = this.find(path);
    if (!entry) throw new Refused(`nothing is at ${path}`);
    return entry;
  }

  /** Adds an entry below one that exists; its naming attribute comes from its name. */
  add(path: string, attributes: Record<string, string[]> = {}, members: readonly string[] = []): Entry {
    const { parent, name } = splitPath(path);
    const above = parent === '' ? null : this.get(parent).id;
    this.#refuseTaken(above, name);
    const kind = kindOf(name);
    const [attribute = '', value = ''] = name.split(/=(.*)/s);
    this.#serial += 1;
    const entry: Entry = {
      id: `${this.#label}-${String(this.#serial).padStart(4, '0')}`,
      kind,
      parent: above,
      name,
      attributes: { ...attributes, [attribute]: attributes[attribute] ?? [value] },
      members: members.map(referenceOf),
      enabled: true,
    };
    this.entries.set(entry.id, entry);
    return entry;
  }

  #refuseTaken(parent: string | null, name: string, self?: string): void {
    const taken = this.children(parent).find((entry) => entry.name.toLowerCase() === name.toLowerCase());
    if (taken && taken.id !== self) throw new Refused(`${name} exists already in this place`);
  }

  /** Sets values; an empty list removes the attribute. */
  set(path: string, attributes: Record<string, readonly string[]>): void {
    this.assign(this.get(path), attributes);
  }

  assign(entry: Entry, attributes: Record<string, readonly string[]>): void {
    for (const [name, values] of Object.entries(attributes)) {
      if (values.length === 0) delete entry.attributes[name];
      else entry.attributes[name] = [...values];
    }
  }

  /** Renames and re-parents; what lies below goes along. */
  move(from: string, to: string): void {
    const { parent, name } = splitPath(to);
    this.relocate(this.get(from), parent === '' ? null : this.get(parent), name);
  }

  relocate(entry: Entry, above: Entry | null, name: string): void {
    for (let step = above; step; step = step.parent === null ? null : this.byId(step.parent))
      if (step.id === entry.id) throw new Refused(`${entry.name} cannot be moved below itself`);
    this.#refuseTaken(above?.id ?? null, name, entry.id);
    const before = referenceOf(this.pathOf(entry));
    entry.parent = above?.id ?? null;
    if (entry.name !== name) {
      entry.name = name;
      const [attribute = '', value = ''] = name.split(/=(.*)/s);
      entry.attributes[attribute] = [value];
    }
    if (this.referencesFollow) this.#follow(before, referenceOf(this.pathOf(entry)));
  }

  #follow(before: string, after: string): void {
    const followed = (written: string): string => {
      const reference = referenceOf(written);
      const follows = reference === before || reference.startsWith(`${before}/`);
      return follows ? after + reference.slice(before.length) : written;
    };
    for (const entry of this.entries.values()) {
      entry.members = entry.members.map(followed);
      const { manager } = entry.attributes;
      if (manager) entry.attributes['manager'] = manager.map(followed);
    }
  }

  /** Only a leaf can go; with it the references to it, where references follow. */
  remove(path: string): void {
    this.drop(this.get(path));
  }

  drop(entry: Entry): void {
    if (this.children(entry.id).length > 0) throw new Refused(`${entry.name} has entries below it`);
    const reference = referenceOf(this.pathOf(entry));
    this.entries.delete(entry.id);
    if (!this.referencesFollow) return;
    for (const group of this.entries.values())
      group.members = group.members.filter((member) => member !== reference);
  }

  /** Deletes an entry with all that lies below it. */
  prune(path: string): void {
    for (const child of this.children(this.get(path).id)) this.prune(this.pathOf(child));
    this.remove(path);
  }

  addMember(group: string, member: string): void {
    const { members } = this.get(group);
    const reference = referenceOf(member);
    if (members.includes(reference)) throw new Refused(`${member} is a member already`);
    members.push(reference);
  }

  removeMember(group: string, member: string): void {
    const entry = this.get(group);
    const reference = referenceOf(member);
    if (!entry.members.includes(reference)) throw new Refused(`${member} is no member`);
    entry.members = entry.members.filter((each) => each !== reference);
  }

  /** The whole tree by path, to be compared: no ids, members sorted. */
  snapshot(): Record<string, unknown> {
    const rows = [...this.entries.values()].map((entry): [string, object] => [
      this.pathOf(entry),
      {
        attributes: sortedAttributes(entry.attributes),
        ...(entry.kind === 'group' ? { members: [...entry.members].sort() } : {}),
        ...(entry.enabled ? {} : { enabled: false }),
      },
    ]);
    return Object.fromEntries(rows.sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  copy(): Map<string, Entry> {
    return structuredClone(this.entries);
  }

  restore(entries: ReadonlyMap<string, Entry>): void {
    this.entries.clear();
    for (const [id, entry] of structuredClone(entries)) this.entries.set(id, entry);
  }
}

function sortedAttributes(attributes: Record<string, string[]>): Record<string, string[]> {
  const rows = Object.entries(attributes).map(([name, values]) => [name, [...values].sort()] as const);
  return Object.fromEntries(rows.sort(([a], [b]) => (a < b ? -1 : 1)));
}
