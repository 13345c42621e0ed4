import type { FileHandle } from 'node:fs/promises';
import { isAtOrBelow } from '../../directory/dn/dn.ts';
import { LockstepError } from '../../kernel/errors.ts';
import type { ReadRequest } from '../../sync/connector.ts';
import { normaliseNode, type FileSettings } from './config.ts';
import { startReading } from './format.ts';
import { ancestorsBelow } from './ldif/place.ts';
import type { ParsedRecord, RecordResult } from './record.ts';
import { readRecords } from './record-stream.ts';

/** Where records lie with regard to the scopes of a read. */
export interface Scopes {
  /** Index of the first scope that the record lies in, or -1; a scope's node itself lies in none. */
  scopeOf(record: ParsedRecord): number;
  /** The parent that the record names and the file does not have; DNs say by themselves where an entry is. */
  findLostParent(record: ParsedRecord): string | undefined;
  /** References of what is above the record, nearest first, without the scope's node. */
  parentsOf(record: ParsedRecord, scope: number): readonly string[];
}

/** LDIF tells the place of an entry by its DN; CSV and JSON Lines by ids, so that their tree is read beforehand. */
export async function makeScopes(
  settings: FileSettings,
  request: ReadRequest,
  handle: FileHandle,
): Promise<Scopes> {
  const nodes = request.scopes.map((scope) => normaliseNode(scope.node, settings.format));
  if (settings.format === 'ldif') return dnScopes(nodes);
  return idScopes(nodes, await readTree(settings, request.signal, handle));
}

function dnScopes(nodes: readonly string[]): Scopes {
  return {
    scopeOf: ({ reference }) =>
      nodes.includes(reference) ? -1 : nodes.findIndex((node) => isAtOrBelow(reference, node)),
    findLostParent: () => undefined,
    parentsOf: ({ reference }, scope) => ancestorsBelow(reference, nodes[scope] ?? ''),
  };
}

/** Parent by id, of the organizational units alone: they are few. */
type Tree = ReadonlyMap<string, string>;

async function readTree(settings: FileSettings, signal: AbortSignal, handle: FileHandle): Promise<Tree> {
  const tree = new Map<string, string>();
  try {
    for await (const results of readRecords(handle, startReading(settings), signal)) addUnits(tree, results);
  } catch (error) {
    // The reading proper meets the same error and reports it.
    if (!(error instanceof LockstepError)) throw error;
  }
  return tree;
}

function addUnits(tree: Map<string, string>, results: readonly RecordResult[]): void {
  for (const result of results) {
    if (!result.ok || result.record.kind !== 'organizationalUnit') continue;
    tree.set(result.record.reference, result.record.parent);
  }
}

function ancestors(parent: string, tree: Tree): string[] {
  const above: string[] = [];
  for (let id = parent; id !== '' && !above.includes(id); id = tree.get(id) ?? '') above.push(id);
  return above;
}

function idScopes(nodes: readonly string[], tree: Tree): Scopes {
  return {
    scopeOf(record) {
      if (nodes.includes(record.reference)) return -1;
      if (nodes.length === 1 && nodes[0] === '') return 0;
      const above = ancestors(record.parent, tree);
      return nodes.findIndex((node) => node === '' || above.includes(node));
    },
    findLostParent: ({ parent }) => (parent === '' || tree.has(parent) ? undefined : parent),
    parentsOf(record, scope) {
      const above = ancestors(record.parent, tree);
      const node = above.indexOf(nodes[scope] ?? '');
      return node < 0 ? above : above.slice(0, node);
    },
  };
}
