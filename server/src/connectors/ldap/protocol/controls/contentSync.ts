import { BerReader, protocolError, tags } from '../ber/reader.ts';
import { BerWriter } from '../ber/writer.ts';
import { type Control, findControl } from './control.ts';

/** LDAP Content Synchronization (RFC 4533): the codec of its controls and of the Sync Info message. */
export const syncRequestOid = '1.3.6.1.4.1.4203.1.9.1.1';
export const syncStateOid = '1.3.6.1.4.1.4203.1.9.1.2';
export const syncDoneOid = '1.3.6.1.4.1.4203.1.9.1.3';
export const syncInfoOid = '1.3.6.1.4.1.4203.1.9.1.4';

const modes = { refreshOnly: 1, refreshAndPersist: 3 } as const;
const states = ['present', 'add', 'modify', 'delete'] as const;

export interface SyncRequest {
  readonly mode: keyof typeof modes;
  readonly cookie?: Uint8Array | undefined;
  /** The server should answer `e-syncRefreshRequired` rather than send everything. */
  readonly reloadHint?: boolean;
}

/** Section 2.2. */
export function syncRequest(request: SyncRequest, critical = true): Control {
  const writer = new BerWriter();
  writer.begin();
  writer.integer(modes[request.mode], tags.enumerated);
  if (request.cookie !== undefined) writer.octets(request.cookie);
  if (request.reloadHint) writer.boolean(true);
  writer.end();
  return { oid: syncRequestOid, critical, value: writer.take() };
}

export interface SyncState {
  readonly state: (typeof states)[number];
  /** 16 octets. */
  readonly entryUuid: Buffer;
  readonly cookie: Buffer | undefined;
}

/** The state of an entry or reference (section 2.3), or undefined if its message carries none. */
export function findSyncState(controls: readonly Control[]): SyncState | undefined {
  const value = findControl(controls, syncStateOid)?.value;
  if (value === undefined) return undefined;
  const reader = new BerReader(Buffer.from(value)).inner(tags.sequence);
  const state = states[reader.integer(tags.enumerated)];
  if (state === undefined) throw protocolError('a Sync State control has an unknown state');
  const entryUuid = uuid(reader);
  return { state, entryUuid, cookie: optionalCookie(reader) };
}

export interface SyncDone {
  readonly cookie: Buffer | undefined;
  /** Whether what was not seen as present is to be deleted no more: the deletes were sent one by one. */
  readonly refreshDeletes: boolean;
}

/** What the final response says (section 2.4). */
export function findSyncDone(controls: readonly Control[]): SyncDone | undefined {
  const value = findControl(controls, syncDoneOid)?.value;
  if (value === undefined) return undefined;
  const reader = new BerReader(Buffer.from(value)).inner(tags.sequence);
  const cookie = optionalCookie(reader);
  return { cookie, refreshDeletes: reader.peek() === tags.boolean && reader.boolean() };
}

export type SyncInfo =
  | { readonly type: 'newCookie'; readonly cookie: Buffer }
  | {
      readonly type: 'refreshDelete' | 'refreshPresent';
      readonly cookie: Buffer | undefined;
      readonly done: boolean;
    }
  | {
      readonly type: 'idSet';
      readonly cookie: Buffer | undefined;
      /** Whether the set names deleted entries, instead of present ones. */
      readonly deletes: boolean;
      readonly entryUuids: readonly Buffer[];
    };

/** The value of a Sync Info message (section 2.5), an intermediate response with `syncInfoOid`. */
export function parseSyncInfo(value: Uint8Array): SyncInfo {
  const reader = new BerReader(Buffer.from(value));
  switch (reader.peek()) {
    case 0x80:
      return { type: 'newCookie', cookie: reader.octets(0x80) };
    case 0xa1:
    case 0xa2: {
      const type = reader.peek() === 0xa1 ? 'refreshDelete' : 'refreshPresent';
      const inner = reader.inner(reader.peek());
      const cookie = optionalCookie(inner);
      return { type, cookie, done: inner.peek() === tags.boolean ? inner.boolean() : true };
    }
    case 0xa3:
      return idSet(reader.inner(0xa3));
    default:
      throw protocolError('a Sync Info message is of an unknown kind');
  }
}

function idSet(reader: BerReader): SyncInfo {
  const cookie = optionalCookie(reader);
  const deletes = reader.peek() === tags.boolean && reader.boolean();
  const set = reader.inner(tags.set);
  const entryUuids: Buffer[] = [];
  while (!set.done) entryUuids.push(uuid(set));
  return { type: 'idSet', cookie, deletes, entryUuids };
}

function uuid(reader: BerReader): Buffer {
  const octets = reader.octets();
  if (octets.length !== 16) throw protocolError(`an entryUUID has ${octets.length} octets`);
  return Buffer.from(octets);
}

function optionalCookie(reader: BerReader): Buffer | undefined {
  return reader.peek() === tags.octetString ? Buffer.from(reader.octets()) : undefined;
}
