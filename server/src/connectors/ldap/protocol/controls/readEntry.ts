import { BerReader, protocolError, tags } from '../ber/reader.ts';
import { BerWriter } from '../ber/writer.ts';
import { RawSearchEntry } from '../messages/entry.ts';
import { type Control, findControl } from './control.ts';

export const preReadOid = '1.3.6.1.1.13.1';
export const postReadOid = '1.3.6.1.1.13.2';

/** Asks for attributes of the entry as it is before a modify, delete or rename (RFC 4527 section 3.1). */
export function preRead(attributes: readonly string[], critical = false): Control {
  return { oid: preReadOid, critical, value: attributeSelection(attributes) };
}

/** Asks for attributes of the entry as it is after an add, modify or rename (RFC 4527 section 3.2). */
export function postRead(attributes: readonly string[], critical = false): Control {
  return { oid: postReadOid, critical, value: attributeSelection(attributes) };
}

/** The entry that came with a result, or undefined if the server sent none. */
export function findReadEntry(controls: readonly Control[], oid: string): RawSearchEntry | undefined {
  const value = findControl(controls, oid)?.value;
  if (value === undefined) return undefined;
  const buffer = Buffer.from(value);
  const reader = new BerReader(buffer);
  const tag = reader.next();
  // SearchResultEntry: OpenLDAP sends its application tag, others a plain sequence.
  if (tag !== 0x64 && tag !== tags.sequence)
    throw protocolError(`a read entry control holds tag 0x${tag.toString(16)}`);
  return new RawSearchEntry(buffer, reader.start, reader.stop);
}

function attributeSelection(attributes: readonly string[]): Buffer {
  const writer = new BerWriter();
  writer.begin();
  for (const attribute of attributes) writer.octets(attribute);
  writer.end();
  return writer.take();
}
