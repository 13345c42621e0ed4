import type { ObjectKind } from '@lockstep/contract/vocabulary.ts';
import type { Attributes } from '../../directory/attributes.ts';
import type { LockstepError } from '../../kernel/errors.ts';

/** The bytes of one record and where it begins. The bytes are safe to keep. */
export interface RawRecord {
  readonly bytes: Buffer;
  /** 1-based. */
  readonly line: number;
}

/** Cuts a stream of bytes into records. A framing error ends the reading: what follows cannot be trusted. */
export interface Framer {
  /** @throws LockstepError InvalidRecord or LimitExceeded. */
  push(chunk: Buffer): readonly RawRecord[];
  /** The end of the file; throws when it is cut off. */
  end(): readonly RawRecord[];
}

/** A record of any format, parsed and checked; its values are decoded on request. */
export interface ParsedRecord {
  readonly raw: RawRecord;
  /** `other`: an entry that is none of the kinds (LDIF: a domain component); kept when the file is written. */
  readonly kind: ObjectKind | 'other';
  readonly externalId: string;
  /** How other records name it: the normalised DN, or the id. */
  readonly reference: string;
  /** As spelled: the DN, or the id. */
  readonly location: string;
  /** As spelled: the RDN, or the name. */
  readonly name: string;
  /** LDIF: the DN of the parent as spelled; CSV and JSON Lines: the parent's id. Empty at the top. */
  readonly parent: string;
  readonly enabled: boolean | undefined;
  /** Everything but membership, names as spelled. */
  attributes(): Attributes;
  /** Members as they stand in the record, placeholders included. */
  members(): readonly MemberValue[];
}

export interface MemberValue {
  /** The attribute that it stands in (LDIF: member, uniqueMember, memberUid); `members` otherwise. */
  readonly attribute: string;
  readonly text: string;
  /** The normalised reference: a normalised DN, `uid:` and the lower-case uid, or the id. */
  readonly reference: string;
}

/** What became of one record: its parsed form, or why it cannot be understood. */
export type RecordResult =
  | { readonly ok: true; readonly record: ParsedRecord }
  | { readonly ok: false; readonly error: LockstepError };
