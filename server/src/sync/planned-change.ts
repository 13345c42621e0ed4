import type { Kind, Verb } from '@lockstep/contract/vocabulary.ts';
import type { JsonAttributes } from '../directory/attributes.ts';
import type { ErrorCode } from '../kernel/errors.ts';

/** One row of a plan. It becomes the record when its outcome is known. */
export interface PlannedChange {
  readonly kind: Kind;
  readonly verb: Verb;
  /** The directory object; for a membership the group. null: it never came to be (a conflict, a broken record). */
  readonly objectId: string | null;
  readonly externalId: string | null;
  readonly label: string;
  /** For create and move: the organizational unit above, null for the scope's node. */
  readonly parentId?: string | null;
  readonly before?: JsonAttributes | null;
  readonly after?: JsonAttributes | null;
  /** Ingress: the normalised name (`$name`) and match values that the change gives the object, where they change. */
  readonly keys?: Readonly<Record<string, readonly string[]>> | null;
  /** Revision that the directory object has in this plan; 0: it does not exist yet. */
  readonly revision?: number | null;
  readonly link?: LinkData | null;
  /** The object is gone from the source: once this is done its link is live no more. */
  readonly releasesLink?: boolean;
  /** Ingress: what this sync says of an object that other syncs feed too. */
  readonly contribution?: JsonAttributes | null;
  /** Undo: the link that an unbind gives back. */
  readonly formerLink?: FormerLink | null;
  /** Set when the outcome is known at planning already. */
  readonly outcome?: {
    readonly result: 'failed' | 'skipped';
    readonly code: ErrorCode;
    readonly message: string;
  };
}

/** By attribute: the references that a record holds, each with the id of the object that goes by it, null where none does. */
export type NamedObjects = Readonly<Record<string, readonly (readonly [string, string | null])[]>>;

/** What a link keeps of the connected system's object. */
export interface LinkData {
  readonly reference: string | null;
  readonly alias: string | null;
  readonly location: string | null;
  readonly scope: number;
  /** 32 hexadecimal digits; null: look again next time. */
  readonly fingerprint: string | null;
  /** Ingress: whom the attributes of the record name. */
  readonly named?: NamedObjects | null;
}

/** A link whose place a bind took. */
export interface FormerLink extends Omit<LinkData, 'fingerprint' | 'named'> {
  readonly externalId: string;
  /** Of the directory object, when the link was last applied. */
  readonly revision: number;
  readonly state: 'live' | 'missing';
  readonly contribution: JsonAttributes | null;
}
