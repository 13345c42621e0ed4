import { foldCase } from '../../scim/resource.ts';
import { findAttribute, type ScimAttribute } from '../../scim/schema/attribute.ts';
import type { ResourceShape } from './discovery.ts';
import { subAttributeOf, type Notation } from './notation.ts';

/** What is known of the attribute that a notation means. */
export interface Definition {
  /** Whether the service's schema has it; true where there is no schema to ask. */
  readonly exists: boolean;
  /** A list of elements. */
  readonly isList: boolean;
  /** Elements, or the value, are objects. */
  readonly isComplex: boolean;
  /** Of the value itself: the sub-attribute, or the attribute. */
  readonly type: ScimAttribute['type'];
  readonly caseExact: boolean;
  readonly mutability: ScimAttribute['mutability'];
  /** Whether the service ever shows it without being asked. */
  readonly isShown: boolean;
}

/** Attributes of RFC 7643 section 4 that are lists; simple ones are none among them. */
const lists = new Set([
  'emails',
  'phonenumbers',
  'ims',
  'photos',
  'addresses',
  'groups',
  'entitlements',
  'roles',
  'x509certificates',
  'members',
]);
const objects = new Set(['name', 'manager', 'meta']);
/** What no client sets (RFC 7643 section 3.1), or what the connector sets in another way. */
const notMapped = new Set(['id', 'meta', 'schemas', 'groups', 'members', 'active']);
const booleans = new Set(['primary', 'active']);
/** Listed by no schema (RFC 7643 section 3.1). */
const common = new Set(['externalid', 'id', 'meta', 'schemas']);

export function definitionOf(shape: ResourceShape | undefined, notation: Notation): Definition {
  const name = foldCase(notation.attribute);
  const isOwn = notation.extension === undefined;
  const definition = isOwn && notMapped.has(name) ? { mutability: 'readOnly' as const } : {};
  const standard = { ...withoutSchema(notation, isOwn), ...definition };
  if (shape === undefined || (isOwn && common.has(name))) return standard;
  const schema = shape.schemas.get(notation.extension === undefined ? '' : foldCase(notation.extension));
  const found = findAttribute(schema, notation.attribute);
  if (found === undefined) return { ...standard, exists: false };
  return { ...fromSchema(found, notation), ...definition };
}

function withoutSchema(notation: Notation, isOwn: boolean): Definition {
  const name = foldCase(notation.attribute);
  const subAttribute = subAttributeOf(notation);
  const isList = notation.where.length > 0 || (isOwn && lists.has(name));
  const isPassword = isOwn && name === 'password';
  return {
    exists: true,
    isList,
    isComplex: isList || subAttribute !== undefined || objects.has(name),
    type: booleans.has(foldCase(subAttribute ?? name)) ? 'boolean' : 'string',
    caseExact: false,
    mutability: isPassword ? 'writeOnly' : 'readWrite',
    isShown: !isPassword,
  };
}

function fromSchema(attribute: ScimAttribute, notation: Notation): Definition {
  const isComplex = attribute.type === 'complex';
  const subName = subAttributeOf(notation) ?? (isComplex ? 'value' : undefined);
  const subAttribute = subName === undefined ? undefined : findAttribute(attribute.subAttributes, subName);
  const inner = subAttribute ?? attribute;
  return {
    // Schemas that list no sub-attributes are short, not strict.
    exists:
      subName === undefined || subAttribute !== undefined || (attribute.subAttributes ?? []).length === 0,
    isList: attribute.multiValued,
    isComplex,
    type: inner.type === 'complex' ? 'string' : inner.type,
    caseExact: inner.caseExact,
    mutability: strictest(attribute.mutability, inner.mutability),
    isShown: [attribute, inner].every(
      ({ returned, mutability }) =>
        returned !== 'never' && returned !== 'request' && mutability !== 'writeOnly',
    ),
  };
}

function strictest(
  outer: ScimAttribute['mutability'],
  inner: ScimAttribute['mutability'],
): ScimAttribute['mutability'] {
  return outer === 'readWrite' ? inner : outer;
}
