import { isStorableText } from '../../json-body.ts';
import { invalidParameter, missingParameter } from './errors.ts';
import type {
  ArraySchema,
  Fields,
  NumberSchema,
  ObjectSchema,
  ParameterSchema,
  StringSchema,
} from './parameter-schema.ts';
import { printableName } from './wire.ts';

/** What came under one name: its own value, and what came under it. */
interface Node {
  value: string | undefined;
  readonly members: Map<string, Node>;
}

const deepestName = 8;
const defaultLongest = 4096;
const defaultMostItems = 1000;

function emptyNode(): Node {
  return { value: undefined, members: new Map() };
}

/** `A.1.B=x` becomes a tree of names. */
function growTree(parameters: ReadonlyMap<string, string>): Node {
  const root = emptyNode();
  for (const [name, value] of parameters) {
    const segments = name.split('.', deepestName + 1);
    if (segments.length > deepestName) continue;
    let node = root;
    for (const segment of segments) {
      let next = node.members.get(segment);
      if (next === undefined) node.members.set(segment, (next = emptyNode()));
      node = next;
    }
    node.value = value;
  }
  return root;
}

/** JSON in the place of an array or object, as the tree that the same value makes when it is flattened. */
function growFromJson(value: unknown, name: string, depth: number): Node {
  const node = emptyNode();
  if (depth > deepestName) throw invalidParameter(name, 'It is nested too deep.');
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) {
      if (item !== null) node.members.set(String(index + 1), growFromJson(item, name, depth + 1));
    }
  } else if (typeof value === 'object' && value !== null) {
    for (const [member, item] of Object.entries(value)) {
      if (item !== null) node.members.set(member, growFromJson(item, name, depth + 1));
    }
  } else {
    node.value = String(value);
    if (!isStorableText(node.value)) throw invalidParameter(name);
  }
  return node;
}

/** The node whose members are an array's or object's; JSON text in its place is taken apart. */
function container(node: Node, type: 'array' | 'object', name: string): Node {
  const text = node.value;
  if (text === undefined) return node;
  if (node.members.size > 0) throw invalidParameter(name, 'It is given both whole and in parts.');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw invalidParameter(name, `Give its parts as ${name}.${type === 'array' ? '1' : 'Name'}, or JSON.`);
  }
  const fits = type === 'array' ? Array.isArray(value) : value instanceof Object && !Array.isArray(value);
  if (!fits) throw invalidParameter(name);
  return growFromJson(value, name, 0);
}

function readString(schema: StringSchema, value: string, name: string): string | undefined {
  if (value === '' && schema.values !== undefined) return undefined;
  const { minLength = 0, maxLength = defaultLongest, pattern, values } = schema;
  if (value.length < minLength || value.length > maxLength) throw invalidParameter(name);
  if (values?.includes(value) === false) {
    throw invalidParameter(name, `It must be one of ${values.join(', ')}.`);
  }
  if (pattern?.test(value) === false) throw invalidParameter(name);
  return value;
}

const largestInteger = 2 ** 31 - 1;

function readNumber(schema: NumberSchema, value: string, name: string): number | undefined {
  if (value === '') return undefined;
  const number = /^-?\d{1,16}$/.test(value) ? Number(value) : Number.NaN;
  const widest = schema.type === 'integer' ? largestInteger : Number.MAX_SAFE_INTEGER;
  const { minimum = -widest, maximum = widest } = schema;
  if (number >= minimum && number <= maximum && Number.isSafeInteger(number)) return number;
  const isBounded = schema.minimum !== undefined || schema.maximum !== undefined;
  throw invalidParameter(
    name,
    isBounded ? `It must be a whole number from ${minimum} to ${maximum}.` : 'It must be a whole number.',
  );
}

function readBoolean(value: string, name: string): boolean | undefined {
  if (value === '') return undefined;
  if (/^(true|false)$/i.test(value)) return value.toLowerCase() === 'true';
  throw invalidParameter(name, 'It must be true or false.');
}

/** Indices start at 1 and may have gaps: clients leave nulls out. */
function readArray(schema: ArraySchema, node: Node, name: string): unknown[] {
  const { members } = container(node, 'array', name);
  const { maxItems = defaultMostItems } = schema;
  if (members.size > maxItems) throw invalidParameter(name, `It may have ${maxItems} items at most.`);
  const indices = [...members.keys()].map((index) => {
    if (/^[1-9]\d{0,8}$/.test(index)) return Number(index);
    throw invalidParameter(name, 'Its items are numbered from 1.');
  });
  return indices
    .sort((left, right) => left - right)
    .map((index) => readNode(schema.items, members.get(String(index)), `${name}.${index}`))
    .filter((item) => item !== undefined);
}

function readObject(schema: ObjectSchema, node: Node, name: string): Record<string, unknown> {
  return readFields(schema.fields, container(node, 'object', name), `${name}.`);
}

function readPresent(schema: ParameterSchema, node: Node, name: string): unknown {
  if (schema.type === 'array') return readArray(schema, node, name);
  if (schema.type === 'object') return readObject(schema, node, name);
  if (node.members.size > 0) throw invalidParameter(name);
  const value = node.value ?? '';
  if (schema.required === true && value === '') return undefined;
  if (schema.type === 'string') return readString(schema, value, name);
  return schema.type === 'boolean' ? readBoolean(value, name) : readNumber(schema, value, name);
}

function readNode(schema: ParameterSchema, node: Node | undefined, name: string): unknown {
  const value = node === undefined ? undefined : readPresent(schema, node, name);
  if (schema.required === true && (value === undefined || (Array.isArray(value) && value.length === 0))) {
    throw missingParameter(name);
  }
  return value;
}

function readFields(fields: Fields, node: Node, prefix: string): Record<string, unknown> {
  const read: Record<string, unknown> = {};
  for (const [field, schema] of Object.entries(fields)) {
    const value = readNode(schema, node.members.get(field), printableName(`${prefix}${field}`));
    if (value !== undefined) read[field] = value;
  }
  return read;
}

/**
 * An operation's parameters, read by its schema; what it does not name is ignored.
 * @throws EiamError MissingParameter.X and InvalidParameter.X, X as on the wire: `Filters.1.Key`.
 */
export function readParameters(
  fields: Fields,
  parameters: ReadonlyMap<string, string>,
): Record<string, unknown> {
  return readFields(fields, growTree(parameters), '');
}
