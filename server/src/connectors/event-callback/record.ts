import type { ObjectKind } from '@lockstep/contract/vocabulary.ts';
import {
  attributesFromJson,
  attributesToJson,
  sameValues,
  type AttributeValue,
  type Attributes,
  type JsonAttributes,
} from '../../directory/attributes.ts';
import type { ReplicaAttributes } from '../../sync/replica.ts';
import { booleans, idNames, naming } from './vocabulary.ts';

/** What the application was told of an object. */
export interface ToldRecord {
  readonly attributes: Attributes;
  /** Id of the unit above it, or the node of the scope; empty where the node has no id. */
  readonly parent: string;
  /** null where there is no such state. */
  readonly enabled: boolean | null;
}

export function recordToJson({ attributes, parent, enabled }: ToldRecord): ReplicaAttributes {
  return { attributes: attributesToJson(attributes), parent, enabled };
}

export function recordFromJson(json: ReplicaAttributes): ToldRecord {
  const { attributes, parent, enabled } = json as {
    readonly attributes?: JsonAttributes;
    readonly parent?: string;
    readonly enabled?: boolean | null;
  };
  return {
    attributes: attributesFromJson(attributes ?? {}),
    parent: parent ?? '',
    enabled: enabled ?? null,
  };
}

export function sameRecords(left: ToldRecord, right: ToldRecord): boolean {
  if (left.parent !== right.parent || left.enabled !== right.enabled) return false;
  const names = new Set([...Object.keys(left.attributes), ...Object.keys(right.attributes)]);
  return [...names].every((name) => sameValues(left.attributes[name], right.attributes[name]));
}

/** The name of an object within its parent: its id, so that a new user name is no move. */
export function nameOf(kind: ObjectKind, attributes: Attributes): string | undefined {
  const name = attributes[idNames[kind]]?.[0] ?? attributes[naming[kind]]?.[0];
  return typeof name === 'string' && name !== '' ? name : undefined;
}

function render(name: string, values: readonly AttributeValue[]): unknown {
  const texts = values.map((value) =>
    typeof value === 'string' ? value : Buffer.from(value).toString('base64'),
  );
  const members = booleans.has(name) ? texts.map((text) => text === 'true') : texts;
  return members.length === 1 ? members[0] : members;
}

/**
 * An object's data as an event has them: one value by itself, several as a list, bytes in base64.
 * @param tree whether the application is told of organizational units
 */
export function renderRecord(kind: ObjectKind, id: string, record: ToldRecord, tree: boolean): object {
  const { [idNames[kind]]: _, ...attributes } = record.attributes;
  const members = Object.entries(attributes)
    .filter(([, values]) => values.length > 0)
    .map(([name, values]) => [name, render(name, values)]);
  return { [idNames[kind]]: id, ...Object.fromEntries(members), ...placeAndState(kind, record, tree) };
}

function placeAndState(kind: ObjectKind, { parent, enabled }: ToldRecord, tree: boolean): object {
  const isPlaced = tree && parent !== '';
  if (kind === 'organizationalUnit') return isPlaced ? { parentId: parent } : {};
  if (kind === 'group') return {};
  const units = {
    primaryOrganizationalUnitId: parent,
    userOrganizationalUnits: [{ organizationalUnitId: parent, primary: true }],
  };
  return { status: enabled === false ? 'disabled' : 'enabled', ...(isPlaced ? units : {}) };
}
