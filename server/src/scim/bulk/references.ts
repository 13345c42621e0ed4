import type { PatchOperation } from '../patch/request.ts';
import { isJsonList, isJsonObject, type Json, type JsonObject } from '../resource.ts';
import type { BulkOperation } from './request.ts';

const prefix = 'bulkId:';
const inPath = /bulkId:([^/"\]\s]+)/g;

/** Names of what other operations make, in path and data of one (RFC 7644 section 3.7.2). */
export function listReferences({ path, data }: BulkOperation): Set<string> {
  const found = new Set([...path.matchAll(inPath)].map(([, id]) => id ?? ''));
  collect(data ?? null, '', found);
  return found;
}

function collect(value: Json, key: string, found: Set<string>): void {
  if (isJsonList(value)) for (const each of value) collect(each, key, found);
  else if (isJsonObject(value)) for (const [name, each] of Object.entries(value)) collect(each, name, found);
  else if (typeof value === 'string') for (const id of namedIn(value, key)) found.add(id);
}

/** Only ids, addresses and paths can name what another operation makes; a title may well begin with "bulkId:". */
function namedIn(text: string, key: string): string[] {
  const name = key.toLowerCase();
  if (name === 'value' || name === '$ref') return text.startsWith(prefix) ? [text.slice(prefix.length)] : [];
  return name === 'path' ? [...text.matchAll(inPath)].map(([, id]) => id ?? '') : [];
}

/** A path with the ids that are known by now. */
export function resolvePath(path: string, ids: ReadonlyMap<string, string>): string {
  return path.replace(inPath, (whole, id: string) => ids.get(id) ?? whole);
}

/** Data with the ids that are known by now. */
export function resolveData(value: Json, ids: ReadonlyMap<string, string>, key = ''): Json {
  if (isJsonList(value)) return value.map((each) => resolveData(each, ids, key));
  if (isJsonObject(value)) {
    return Object.fromEntries(
      Object.entries(value).map(([name, each]) => [name, resolveData(each, ids, name)]),
    );
  }
  if (typeof value !== 'string') return value;
  const name = key.toLowerCase();
  if (name === 'path') return resolvePath(value, ids);
  const known = name === 'value' || name === '$ref' ? ids.get(value.slice(prefix.length)) : undefined;
  return known !== undefined && value.startsWith(prefix) ? known : value;
}

export interface DeferredData {
  /** The resource without the values that name what is not made yet. */
  readonly data: JsonObject;
  /** What adds those values later. */
  readonly operations: readonly PatchOperation[];
}

/** Takes values that refer to one of `deferred` out of a resource that is to be made. */
export function deferReferences(resource: JsonObject, deferred: ReadonlySet<string>, urn = ''): DeferredData {
  const data: Record<string, Json> = {};
  const operations: PatchOperation[] = [];
  for (const [name, value] of Object.entries(resource)) {
    const path = urn === '' ? name : `${urn}:${name}`;
    if (urn === '' && /^urn:/i.test(name) && isJsonObject(value)) {
      const inner = deferReferences(value, deferred, name);
      data[name] = inner.data;
      operations.push(...inner.operations);
    } else if (isJsonList(value)) {
      const later = value.filter((each) => refersTo(each, deferred));
      data[name] = value.filter((each) => !refersTo(each, deferred));
      if (later.length > 0) operations.push({ op: 'add', path, value: later });
    } else if (refersTo(value, deferred)) operations.push({ op: 'add', path, value });
    else data[name] = value;
  }
  return { data, operations };
}

function refersTo(value: Json, ids: ReadonlySet<string>): boolean {
  const found = new Set<string>();
  collect(value, '', found);
  return [...found].some((id) => ids.has(id));
}
