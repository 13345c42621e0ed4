import { foldCase } from '../resource.ts';

export type AttributeType =
  'string' | 'boolean' | 'decimal' | 'integer' | 'dateTime' | 'reference' | 'binary' | 'complex';

/** The definition of an attribute (RFC 7643 section 7). Named so because the directory has attributes of its own. */
export interface ScimAttribute {
  readonly name: string;
  readonly type: AttributeType;
  readonly multiValued: boolean;
  readonly description: string;
  readonly required: boolean;
  readonly caseExact: boolean;
  readonly mutability: 'readOnly' | 'readWrite' | 'immutable' | 'writeOnly';
  readonly returned: 'always' | 'never' | 'default' | 'request';
  readonly uniqueness: 'none' | 'server' | 'global';
  /** Values that are suggested; others are allowed. */
  readonly canonicalValues?: readonly string[];
  /** What a reference may point to: names of resource types, `external` or `uri`. */
  readonly referenceTypes?: readonly string[];
  /** Of a complex attribute alone. */
  readonly subAttributes?: readonly ScimAttribute[];
}

/** A schema: the core of a resource type, or an extension of it. */
export interface ScimSchema {
  /** Its URN. */
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly attributes: readonly ScimAttribute[];
}

type Characteristics = Partial<Omit<ScimAttribute, 'name' | 'type' | 'description' | 'subAttributes'>>;

/** A definition with the defaults of RFC 7643 section 2.2; identifiers and references compare with regard to case. */
export function attribute(
  name: string,
  type: AttributeType,
  description: string,
  characteristics: Characteristics = {},
): ScimAttribute {
  return {
    name,
    type,
    multiValued: false,
    description,
    required: false,
    caseExact: type === 'reference' || type === 'binary',
    mutability: 'readWrite',
    returned: 'default',
    uniqueness: 'none',
    ...(type === 'reference' ? { referenceTypes: ['uri'] } : {}),
    ...characteristics,
  };
}

export function complex(
  name: string,
  description: string,
  subAttributes: readonly ScimAttribute[],
  characteristics: Characteristics = {},
): ScimAttribute {
  return { ...attribute(name, 'complex', description, characteristics), subAttributes };
}

const indexes = new WeakMap<readonly ScimAttribute[], ReadonlyMap<string, ScimAttribute>>();

/** The definition with this name among several, without regard to case. */
export function findAttribute(
  attributes: readonly ScimAttribute[] | undefined,
  name: string,
): ScimAttribute | undefined {
  if (attributes === undefined) return undefined;
  let index = indexes.get(attributes);
  if (index === undefined) {
    index = new Map(attributes.map((each) => [foldCase(each.name), each]));
    indexes.set(attributes, index);
  }
  return index.get(foldCase(name));
}
