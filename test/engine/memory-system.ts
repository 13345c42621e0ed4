import { createHash } from 'node:crypto';
import type { Attributes } from '../../server/src/directory/attributes.ts';
import { LockstepError } from '../../server/src/kernel/errors.ts';
import type { Mapping } from '../../server/src/mapping/rules.ts';
import type {
  Capabilities,
  Completeness,
  Connector,
  Endpoint,
  ExternalObject,
  ObjectKey,
  Projected,
  RawEntry,
  ReadRequest,
  ReadScope,
  PlannedWork,
  TargetChange,
} from '../../server/src/sync/connector.ts';
import { objectKinds } from '../../contract/src/vocabulary.ts';
import type { ObjectKind } from '../../contract/src/vocabulary.ts';
import { MemorySession } from './memory-session.ts';
import { MemoryTree, namingAttributes, referenceOf } from './memory-tree.ts';
import type { Entry } from './memory-tree.ts';

/** Attributes beside the naming one, by kind; they have one name on both sides. */
const plain: Record<ObjectKind, readonly string[]> = {
  user: ['displayName', 'mail', 'title', 'phoneNumber', 'employeeNumber', 'manager'],
  organizationalUnit: ['description'],
  group: ['description'],
};

function mappingOf(direction: 'ingress' | 'egress'): Mapping {
  const kinds = objectKinds.map((kind) => {
    const own = kind === 'user' ? 'username' : 'name';
    const [target, source] =
      direction === 'ingress' ? [own, namingAttributes[kind]] : [namingAttributes[kind], own];
    const rules = plain[kind].map((name) => [name, { from: [name] }] as const);
    return [kind, Object.fromEntries([[target, { from: [source] }], ...rules])] as const;
  });
  return Object.fromEntries(kinds) as unknown as Mapping;
}

/** Repeats the same shuffle for the same seed. */
function shuffle<Item>(items: readonly Item[], seed: number): Item[] {
  const shuffled = [...items];
  let state = seed;
  for (let index = shuffled.length - 1; index > 0; index -= 1) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    const other = state % (index + 1);
    [shuffled[index], shuffled[other]] = [shuffled[other] as Item, shuffled[index] as Item];
  }
  return shuffled;
}

/** A system in memory: what is in it, how it behaves, and what was asked of it. */
export class MemorySystem {
  readonly tree: MemoryTree;
  readonly root = '/';
  capabilities: Capabilities = {
    source: true,
    target: true,
    kinds: ['organizationalUnit', 'user', 'group', 'membership'],
    disable: true,
    moveCarriesChildren: true,
    exports: false,
  };
  batchSize = 100;
  /** 0: in the order of the tree; else the seed of a shuffle. */
  order = 0;
  /** Set: reads end without their proof, for this reason. */
  incomplete: string | null = null;
  /** What each read tells beside its entries. */
  warnings: readonly string[] = [];
  /** Entries that an incomplete read does not bring. */
  hidden: (entry: Entry) => boolean = () => false;
  /** Set: reading fails with this in the middle. */
  readFailure: LockstepError | null = null;
  openFailure: LockstepError | null = null;
  /** Ids of entries that cannot be decoded. */
  readonly broken = new Set<string>();
  /** Attributes that hold one value only. */
  readonly singleValued = new Set<string>();
  /** Why a write is refused; null lets it pass. */
  refuse: (change: TargetChange) => string | null = () => null;
  /** Called before each write: a place to throw. */
  beforeWrite: (change: TargetChange) => Promise<void> | void = () => undefined;
  /** Set: the system has a quota, of which this is what so much takes. */
  leastSeconds: ((left: PlannedWork) => number) | undefined;
  writes: TargetChange[] = [];
  batches: (readonly TargetChange[])[] = [];
  reads = 0;
  decodes = 0;
  finished = 0;

  constructor(label: string) {
    this.tree = new MemoryTree(label);
  }

  forgetCounts(): void {
    [this.writes, this.batches, this.reads, this.decodes, this.finished] = [[], [], 0, 0, 0];
  }

  get verbs(): string[] {
    return this.writes.map(({ kind, verb }) => `${kind} ${verb}`);
  }

  endpoint(): Endpoint {
    return {
      capabilities: this.capabilities,
      read: (request) => this.#read(request),
      findPresent: (scopes, keys) => Promise.resolve(this.#findPresent(scopes, keys)),
      project: (kind, attributes) => this.#project(kind, attributes),
      sameName: (left, right) => left.toLowerCase() === right.toLowerCase(),
      normaliseReference: (text) => (text.startsWith('/') ? referenceOf(text) : null),
      contains: (outer, inner) => outer === '/' || inner === outer || inner.startsWith(`${outer}/`),
      openTarget: ({ moved = [] }) => Promise.resolve(new MemorySession(this, moved)),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    };
  }

  async *#read(request: ReadRequest): AsyncGenerator<readonly RawEntry[], Completeness> {
    this.reads += 1;
    const visible = [...this.tree.entries.values()].filter((entry) => !this.hidden(entry));
    const ordered = this.order === 0 ? visible : shuffle(visible, this.order);
    const found = ordered.flatMap((entry) => this.#raw(entry, request));
    for (let start = 0; start < found.length; start += this.batchSize) {
      await Promise.resolve();
      yield found.slice(start, start + this.batchSize);
      if (this.readFailure) throw this.readFailure;
    }
    if (this.readFailure) throw this.readFailure;
    const { warnings } = this;
    if (this.incomplete === null) return { complete: true, warnings };
    return { complete: false, reason: this.incomplete, warnings };
  }

  #findPresent(scopes: readonly ReadScope[], keys: readonly ObjectKey[]): ObjectKey[] {
    const none = { organizationalUnit: [], user: [], group: [] };
    const request = {
      scopes,
      attributes: none,
      memberships: false,
      asTarget: false,
      signal: new AbortController().signal,
    };
    const visible = [...this.tree.entries.values()].filter((entry) => !this.hidden(entry));
    const there = visible.flatMap((entry) => this.#raw(entry, request));
    return keys.filter((key) =>
      there.some(({ kind, externalId }) => kind === key.kind && externalId === key.externalId),
    );
  }

  #raw(entry: Entry, request: ReadRequest): RawEntry[] {
    const { kind } = entry;
    if (kind === 'foreign') return [];
    const path = this.tree.pathOf(entry);
    const scope = request.scopes.findIndex(({ node, filter }) => {
      const inside = node === '/' || path.toLowerCase().startsWith(`${node.toLowerCase()}/`);
      const [name = '', value] = (filter ?? '').split('=');
      return (
        inside && (filter === undefined || kind !== 'user' || entry.attributes[name]?.includes(value ?? ''))
      );
    });
    if (scope < 0) return [];
    const node = request.scopes[scope]?.node ?? '/';
    const members = kind === 'group' && request.memberships ? [...entry.members] : undefined;
    const object: ExternalObject = {
      reference: referenceOf(path),
      location: path,
      parents: this.#parents(path, node),
      name: entry.name,
      attributes: structuredClone(entry.attributes),
      ...(members ? { members } : {}),
      ...(kind === 'user' && this.capabilities.disable ? { enabled: entry.enabled } : {}),
    };
    const fingerprint = createHash('md5')
      .update(JSON.stringify([scope, object]))
      .digest('hex');
    const decode = (): ExternalObject => {
      this.decodes += 1;
      if (this.broken.has(entry.id)) throw new LockstepError('InvalidRecord', `${path} cannot be understood`);
      return object;
    };
    return [{ kind, scope, externalId: entry.id, fingerprint, decode }];
  }

  #parents(path: string, node: string): string[] {
    const top = node === '/' ? '' : referenceOf(node);
    const parents: string[] = [];
    for (let above = referenceOf(path); ;) {
      above = above.slice(0, above.lastIndexOf('/'));
      if (above === top || above === '') return parents;
      parents.push(above);
    }
  }

  #project(kind: ObjectKind, attributes: Attributes): Projected {
    const naming = namingAttributes[kind];
    const name = attributes[naming]?.[0];
    if (typeof name !== 'string' || name === '')
      throw new LockstepError('RequiredValueMissing', `no value for ${naming}`, { field: naming });
    const held = Object.entries(attributes).map(([key, values]) => [
      key,
      this.singleValued.has(key) ? values.slice(0, 1) : values,
    ]);
    return { name: `${naming}=${name}`, attributes: Object.fromEntries(held) as Attributes };
  }
}

/** A connector over named systems: a connection's URL `ldap://name` says which. */
export function memoryConnector(systems: ReadonlyMap<string, MemorySystem>): Connector<{ url: string }> {
  const mappings = { ingress: mappingOf('ingress'), egress: mappingOf('egress') };
  return {
    type: 'ldap',
    defaultMapping: (direction) => mappings[direction],
    defaultMatch: { user: ['mail', 'username'], organizationalUnit: ['path'], group: ['path'] },
    rootNode: () => '/',
    tellsAccountState: ({ url }) => systems.get(url.slice('ldap://'.length))?.capabilities.disable === true,
    open({ url }) {
      const system = systems.get(url.slice('ldap://'.length));
      if (!system) throw new LockstepError('ConnectionFailed', `there is no system at ${url}`);
      if (system.openFailure) throw system.openFailure;
      return Promise.resolve(system.endpoint());
    },
    async *test() {
      // Nothing to test: what is asked of the engine does not depend on it.
    },
  };
}
