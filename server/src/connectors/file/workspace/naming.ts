import { normaliseDn } from '../../../directory/dn/dn.ts';
import type { FileFormat } from '../config.ts';

/**
 * By which siblings are told apart: the normalised RDN; in CSV and JSON Lines the kind and the name, since a group
 * may be called as an organizational unit is.
 */
export function nameKey(format: FileFormat, kind: string, name: string): string {
  return format === 'ldif' ? normaliseDn(name) : `${kind}:${name}`;
}

/** By which a place is compared: the normalised DN, or the id. */
export function placeKey(format: FileFormat, location: string): string {
  return format === 'ldif' ? normaliseDn(location) : location;
}

/** The normalised DN, or undefined for a text that is none (a UUID, an alias). */
export function findPlaceKey(text: string): string | undefined {
  if (!text.includes('=')) return undefined;
  try {
    return normaliseDn(text);
  } catch {
    return undefined;
  }
}
