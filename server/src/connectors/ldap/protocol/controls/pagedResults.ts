import { BerReader, tags } from '../ber/reader.ts';
import { BerWriter } from '../ber/writer.ts';
import { type Control, findControl } from './control.ts';

export const pagedResultsOid = '1.2.840.113556.1.4.319';

/** Asks for the next page (RFC 2696). An empty cookie asks for the first one. */
export function pagedResults(size: number, cookie: Uint8Array, critical = true): Control {
  const writer = new BerWriter();
  writer.begin();
  writer.integer(size);
  writer.octets(cookie);
  writer.end();
  return { oid: pagedResultsOid, critical, value: writer.take() };
}

/** The server's estimate of the whole (0: unknown) and the cookie for the next page; an empty cookie ends. */
export function findPagedResults(
  controls: readonly Control[],
): { readonly size: number; readonly cookie: Buffer } | undefined {
  const value = findControl(controls, pagedResultsOid)?.value;
  if (value === undefined) return undefined;
  const reader = new BerReader(Buffer.from(value)).inner(tags.sequence);
  return { size: reader.integer(), cookie: Buffer.from(reader.octets()) };
}
