import type { Json } from '../resource.ts';
import type { AttributeType, ScimAttribute } from './attribute.ts';
import { findInstant } from './date-time.ts';

const base64 = /^[A-Za-z0-9+/_-]*={0,2}$/;
const numeral = /^-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

/**
 * The value in the type of a simple attribute (RFC 7643 section 2.3), undefined if it does not fit. With `textual`,
 * booleans and numbers may come as text, and text as numbers and booleans.
 */
export function findScalar(
  attribute: ScimAttribute,
  value: Json,
  textual: boolean,
): string | number | boolean | undefined {
  const { type } = attribute;
  if (type === 'boolean') return typeof value === 'boolean' ? value : textual ? booleanOf(value) : undefined;
  if (type === 'integer' || type === 'decimal') {
    const number = typeof value === 'number' ? value : textual ? numberOf(value) : undefined;
    if (number === undefined || !Number.isFinite(number)) return undefined;
    return type === 'decimal' || Number.isSafeInteger(number) ? number : undefined;
  }
  if (type === 'complex') return undefined;
  if (typeof value === 'string') return fits(type, value) ? value : undefined;
  const scalar = typeof value === 'number' || typeof value === 'boolean';
  return textual && scalar && (type === 'string' || type === 'reference') ? String(value) : undefined;
}

function fits(type: AttributeType, value: string): boolean {
  if (type === 'dateTime') return findInstant(value) !== undefined;
  return type !== 'binary' || base64.test(value);
}

function booleanOf(value: Json): boolean | undefined {
  const text = typeof value === 'string' ? value.trim().toLowerCase() : undefined;
  return text === 'true' ? true : text === 'false' ? false : undefined;
}

function numberOf(value: Json): number | undefined {
  return typeof value === 'string' && numeral.test(value.trim()) ? Number(value) : undefined;
}
