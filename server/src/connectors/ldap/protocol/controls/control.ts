import { BerReader, tags } from '../ber/reader.ts';
import type { BerWriter } from '../ber/writer.ts';
import { controlsTag } from '../messages/operations.ts';

/** A control of a request or a response (RFC 4511 section 4.1.11). */
export interface Control {
  /** Dotted decimal. */
  readonly oid: string;
  /** Whether a server that does not know it must refuse the operation; false if absent. */
  readonly critical?: boolean;
  readonly value?: Uint8Array;
}

export function writeControls(writer: BerWriter, controls: readonly Control[]): void {
  if (controls.length === 0) return;
  writer.begin(controlsTag);
  for (const control of controls) {
    writer.begin();
    writer.octets(control.oid);
    if (control.critical) writer.boolean(true);
    if (control.value !== undefined) writer.octets(control.value);
    writer.end();
  }
  writer.end();
}

/** Reads the controls in `buffer` from `start` to `stop`, tag included; equal bounds mean none. Values are copies. */
export function readControls(buffer: Buffer, start: number, stop: number): Control[] {
  if (start === stop) return [];
  const list = new BerReader(buffer, start, stop).inner(controlsTag);
  const controls: Control[] = [];
  while (!list.done) {
    const reader = list.inner(tags.sequence);
    const oid = reader.text();
    const critical = reader.peek() === tags.boolean && reader.boolean();
    const value = reader.peek() === tags.octetString ? Buffer.from(reader.octets()) : undefined;
    controls.push({ oid, critical, ...(value && { value }) });
  }
  return controls;
}

export function findControl(controls: readonly Control[], oid: string): Control | undefined {
  return controls.find((control) => control.oid === oid);
}
