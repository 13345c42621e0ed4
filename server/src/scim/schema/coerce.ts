import type { Json } from '../resource.ts';
import type { ScimAttribute } from './attribute.ts';
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
  switch (attribute.type) {
    case 'boolean':
      return typeof value === 'boolean' ? value : textual ? booleanOf(value) : undefined;
    case 'integer':
    case 'decimal': {
      const number = typeof value === 'number' ? value : textual ? numberOf(value) : undefined;
      if (number === undefined || !Number.isFinite(number)) return undefined;
      return attribute.type === 'decimal' || Number.isSafeInteger(number) ? number : undefined;
    }
    case 'dateTime':
      return typeof value === 'string' && findInstant(value) !== undefined ? value : undefined;
    case 'binary':
      return typeof value === 'string' && base64.test(value) ? value : undefined;
    case 'string':
    case 'reference':
      if (typeof value === 'string') return value;
      return textual && (typeof value === 'number' || typeof value === 'boolean') ? String(value) : undefined;
    case 'complex':
      return undefined;
  }
}

function booleanOf(value: Json): boolean | undefined {
  const text = typeof value === 'string' ? value.trim().toLowerCase() : undefined;
  return text === 'true' ? true : text === 'false' ? false : undefined;
}

function numberOf(value: Json): number | undefined {
  return typeof value === 'string' && numeral.test(value.trim()) ? Number(value) : undefined;
}
