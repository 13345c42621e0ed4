import type { Attributes } from '../../directory/attributes.ts';

/** An object as it is written to a file. */
export interface OutputRecord {
  readonly kind: string;
  readonly externalId: string;
  /** LDIF: the DN; else the id. */
  readonly location: string;
  /** The parent's id; empty at the top. LDIF has it in the DN. */
  readonly parent: string;
  readonly name: string;
  readonly enabled: boolean | null;
  readonly attributes: Attributes;
  /** A group's, read when asked for: there may be very many. */
  members(): Iterable<OutputMember>;
}

export interface OutputMember {
  readonly attribute: string;
  /** The member's DN, uid or id. */
  readonly text: string;
}

/** Renders the records of one format. */
export interface RecordWriter {
  /** What the file begins with. */
  readonly head: string;
  /** What stands in a file without objects: one of no bytes is what a failed export leaves, and is not believed. */
  readonly nothing: string;
  record(record: OutputRecord): string;
}
