import type { ObjectKind } from '@lockstep/contract/vocabulary.ts';
import type { MemberChanges, ObjectKey } from './connector.ts';

/** A JSON object as the connected system gave it, in that system's own words. */
export type ReplicaAttributes = Readonly<Record<string, unknown>>;

/** One change that a connected system told of. A page of them is applied in order. */
export type ReplicaChange =
  | {
      /**
       * merge: these members, the others stay as they are (null takes one away), but for the first time that a whole
       * round brings the record: what it had before the round is then gone. replace: the whole record.
       */
      readonly verb: 'merge' | 'replace';
      readonly kind: ObjectKind;
      readonly externalId: string;
      readonly attributes: ReplicaAttributes;
    }
  | { readonly verb: 'remove'; readonly kind: ObjectKind; readonly externalId: string }
  | { readonly verb: 'addMember' | 'removeMember'; readonly groupId: string; readonly memberId: string };

/** Where the copy stands. */
export interface ReplicaState {
  /** What the connector keeps between pages and between runs (delta links); null: nothing was read yet. */
  readonly cursor: unknown;
  /** A whole round was read to its end at least once: absence from the copy means absence from the system. */
  readonly whole: boolean;
  /** Rises with each change of the copy. */
  readonly sequence: number;
}

/** One object of the copy. */
export interface ReplicaEntry {
  readonly kind: ObjectKind;
  readonly externalId: string;
  readonly attributes: ReplicaAttributes;
  /** Ids of a group's members; in a read of changes for groups only that were asked for again or that the sync has not linked. */
  readonly members?: readonly string[] | undefined;
  /** All other groups in a read of changes. */
  readonly memberChanges?: MemberChanges | undefined;
  /** 16 bytes that differ whenever the record or its members changed. */
  readonly fingerprint: string;
  /** It was removed; attributes are those it had last. Only in a read of changes. */
  readonly removed: boolean;
}

export interface ReplicaReadOptions {
  readonly kinds: readonly ObjectKind[];
  readonly members: boolean;
  /** Only what changed after this sequence number. */
  readonly after?: number | undefined;
  /** With `after`: only what changed up to this sequence number, that of `state()` before the read. */
  readonly through?: number | undefined;
  /** With `after`: these as well, groups with all their members. */
  readonly again?: readonly ObjectKey[] | undefined;
}

/**
 * Lockstep's own copy of what a connected system holds, for systems that tell of changes instead of everything: kept
 * by delta queries or by pushes, one for each connection, and read by its jobs instead of the system itself.
 */
export interface Replica {
  state(): Promise<ReplicaState>;
  /**
   * Applies a page of changes and remembers `cursor` in one transaction, so that a read that is cut off goes on after
   * its last page. `round: 'begin'` with the first page of a whole round; `'end'` with its last: what none of its pages
   * brought is then removed, members included. A round of one page: `'only'`.
   */
  write(
    changes: readonly ReplicaChange[],
    progress?: { readonly cursor: unknown; readonly round?: 'begin' | 'end' | 'only' | undefined },
  ): Promise<void>;
  /** The records with these ids that are in the copy, without the members of groups. */
  find(kind: ObjectKind, externalIds: readonly string[]): Promise<readonly ReplicaEntry[]>;
  /** Streams the copy, each object once. */
  read(options: ReplicaReadOptions): AsyncGenerator<readonly ReplicaEntry[], void>;
  /** Runs `work` while nobody else fills this copy; waits for its turn. */
  exclusively<Result>(work: () => Promise<Result>, signal: AbortSignal): Promise<Result>;
}
