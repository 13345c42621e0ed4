import type { ObjectKind } from '@lockstep/contract/vocabulary.ts';
import { objectKinds } from '@lockstep/contract/vocabulary.ts';
import type { Completeness, ExternalObject, RawEntry, ReadRequest } from '../../sync/connector.ts';
import type { Replica, ReplicaEntry } from '../../sync/replica.ts';
import { nameOf, recordFromJson } from './record.ts';

/** Where things are: the unit above each unit. */
class Tree {
  readonly #above: ReadonlyMap<string, string>;
  readonly #nodes: readonly string[];

  constructor(above: ReadonlyMap<string, string>, nodes: readonly string[]) {
    this.#above = above;
    this.#nodes = nodes;
  }

  /** Units above, nearest first, and what the topmost of them lies in. */
  #path(parent: string): { units: string[]; top: string } {
    const units: string[] = [];
    let top = parent;
    for (
      let next = this.#above.get(top);
      next !== undefined && units.length <= this.#above.size;
      next = this.#above.get(top)
    ) {
      units.push(top);
      top = next;
    }
    return { units, top };
  }

  scopeOf(parent: string): number {
    return Math.max(0, this.#nodes.indexOf(this.#path(parent).top));
  }

  /** What lies in none of the nodes lies in something unknown: it is not where it shall be. */
  parentsOf(parent: string): string[] {
    const { units, top } = this.#path(parent);
    return this.#nodes.includes(top) ? units : [...units, top];
  }
}

function decode(kind: ObjectKind, entry: ReplicaEntry, tree: Tree | null): ExternalObject {
  const { externalId, attributes, members } = entry;
  const record = recordFromJson(attributes);
  return {
    reference: externalId,
    location: externalId,
    parents: tree === null ? [] : tree.parentsOf(record.parent),
    name: nameOf(kind, record.attributes) ?? externalId,
    attributes: record.attributes,
    ...(members === undefined ? {} : { members }),
    ...(record.enabled === null ? {} : { enabled: record.enabled }),
  };
}

async function readTree(replica: Replica, { scopes }: ReadRequest): Promise<Tree> {
  const above = new Map<string, string>();
  for await (const page of replica.read({ kinds: ['organizationalUnit'], members: false })) {
    for (const { externalId, attributes } of page) above.set(externalId, recordFromJson(attributes).parent);
  }
  return new Tree(
    above,
    scopes.map(({ node }) => node),
  );
}

/**
 * Streams what the application was told so far: nothing else is known of it, and this is known wholly.
 * @param kinds what the application is told of
 */
export async function* readTold(
  replica: Replica,
  kinds: readonly string[],
  request: ReadRequest,
): AsyncGenerator<readonly RawEntry[], Completeness> {
  const tree = kinds.includes('organizationalUnit') ? await readTree(replica, request) : null;
  const wanted = objectKinds.filter((kind) => kinds.includes(kind));
  for await (const page of replica.read({ kinds: wanted, members: request.memberships })) {
    request.signal.throwIfAborted();
    yield page.map((entry) => ({
      kind: entry.kind,
      scope: tree === null ? 0 : tree.scopeOf(recordFromJson(entry.attributes).parent),
      externalId: entry.externalId,
      fingerprint: entry.fingerprint,
      decode: () => decode(entry.kind, entry, tree),
    }));
  }
  return { complete: true, warnings: [] };
}
