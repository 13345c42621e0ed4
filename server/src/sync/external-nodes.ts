import type { ObjectKind } from '@lockstep/contract/vocabulary.ts';
import type { Endpoint } from './connector.ts';
import { matchKey } from './match-key.ts';
import { externalNode } from './run-context.ts';
import type { Run, SyncSpecification } from './run-context.ts';

/** The nodes of a run in the connected system, each once: several scopes of an egress may write under one. */
export interface ExternalNodes {
  readonly nodes: readonly string[];
  /** By scope: the index of its node. */
  readonly ofScope: readonly number[];
}

const known = new WeakMap<SyncSpecification, ExternalNodes>();

export type Contains = Endpoint['contains'];

/** Whether two nodes are one; what is written alike is one in any notation. */
export function isSameNode(contains: Contains, left: string, right: string): boolean {
  return left === right || (contains(left, right) && contains(right, left));
}

/** On ingress each scope has a node of its own, since it may have a filter. */
export function externalNodes(run: Run): ExternalNodes {
  const before = known.get(run.specification);
  if (before) return before;
  const nodes: string[] = [];
  const contains: Contains = (outer, inner) => run.endpoint.contains(outer, inner);
  const ofScope = run.specification.scopes.map((_, scope) => {
    const node = externalNode(run, scope);
    const same =
      run.sync.direction === 'egress' ? nodes.findIndex((other) => isSameNode(contains, other, node)) : -1;
    return same >= 0 ? same : nodes.push(node) - 1;
  });
  const made = { nodes, ofScope };
  known.set(run.specification, made);
  return made;
}

/** More names are not kept in memory: the target refuses those that meet then. */
const mostNames = 100_000;

/**
 * Which names are taken right below nodes that several scopes share: what the directory keeps apart may meet there.
 * Elsewhere the directory sees to it that names differ, or the target does.
 */
export class SharedPlaces {
  readonly #ofScope: readonly number[];
  readonly #shared: ReadonlySet<number>;
  readonly #taken = new Map<string, string>();

  constructor({ ofScope }: ExternalNodes) {
    this.#ofScope = ofScope;
    this.#shared = new Set(ofScope.filter((node, scope) => ofScope.indexOf(node) !== scope));
  }

  /** Takes the name for an object, unless another one has it. @returns whether it is the object's now */
  take(place: {
    scope: number;
    parent: string | null;
    kind: ObjectKind;
    name: string;
    objectId: string;
  }): boolean {
    const node = this.#ofScope[place.scope] ?? 0;
    if (place.parent !== null || !this.#shared.has(node)) return true;
    const key = `${node} ${place.kind} ${matchKey(place.name)}`;
    const owner = this.#taken.get(key);
    if (owner !== undefined) return owner === place.objectId;
    if (this.#taken.size < mostNames) this.#taken.set(key, place.objectId);
    return true;
  }
}
