import type { ObjectKind, Verb } from '@lockstep/contract/vocabulary.ts';
import type { AttributeValue, Attributes } from '../directory/attributes.ts';
import type { ErrorCode } from '../kernel/errors.ts';
import type { Pace, Quota } from '../http-client/pace.ts';
import type { Mapping, MatchRules } from '../mapping/rules.ts';
import type { Replica } from './replica.ts';

/** What a system can hold and how it behaves; the planner asks these flags, never the connector's type. */
export interface Capabilities {
  readonly source: boolean;
  readonly target: boolean;
  /** Kinds that a target can hold; other kinds are not planned at all. */
  readonly kinds: readonly (ObjectKind | 'membership')[];
  /** Whether it can mark a user as disabled (with this connection's settings). */
  readonly disable: boolean;
  /** Moving an organizational unit carries its descendants, whose names in the system change with it. */
  readonly moveCarriesChildren: boolean;
  /** Writes count as Exported (a file) instead of Pushed (a system). */
  readonly exports: boolean;
  /** It can tell what changed since an earlier read, however long ago that was. */
  readonly changes?: boolean | undefined;
  /** It takes passwords of users. */
  readonly passwords?: boolean | undefined;
  /** References of a new object are set by requests of their own, which may fail while the object is made. */
  readonly referencesApart?: boolean | undefined;
}

/** One pair of nodes: what lies under `node` is read or written. */
export interface ReadScope {
  /** The node as configured, in the connector's own notation (a DN for LDAP). */
  readonly node: string;
  /** A filter in the connector's own notation (RFC 4515 for LDAP), on top of the connector's own. */
  readonly filter?: string | undefined;
}

export interface ReadRequest {
  readonly scopes: readonly ReadScope[];
  /** Source attributes that the mapping needs, by kind. The connector reads what it needs itself on top. */
  readonly attributes: Readonly<Record<ObjectKind, readonly string[]>>;
  /** Whether the members of groups are wanted. */
  readonly memberships: boolean;
  /**
   * True when a target is read before it is written (egress): a file that does not exist yet is then complete and
   * empty. For a source it is an error: "empty" and "could not read" are different outcomes.
   */
  readonly asTarget?: boolean | undefined;
  /**
   * The position that an earlier read ended with: only what changed since is wanted, and what is gone by name. What
   * changed and changed back counts as changed: another read in between may have seen it. Never given where
   * `capabilities.changes` is not set.
   */
  readonly since?: unknown;
  /** With `since`: objects that are wanted whether they changed or not, groups with all their members. */
  readonly again?: readonly ObjectKey[] | undefined;
  /** Whatever a copy of the system says, the system itself shall be read again from the beginning. */
  readonly afresh?: boolean | undefined;
  readonly signal: AbortSignal;
}

/** An object of a connected system. */
export interface ObjectKey {
  readonly kind: ObjectKind;
  readonly externalId: string;
}

/** Members that a group got and lost since an earlier read, as normalised references. */
export interface MemberChanges {
  readonly added: readonly string[];
  readonly removed: readonly string[];
}

/**
 * One object as it came off the wire, not decoded yet. Batches hold a few hundred to a few thousand of them.
 * An object met in two scopes belongs to the first; scopes that overlap are refused before a job runs.
 */
export interface RawEntry {
  readonly kind: ObjectKind;
  /** Index into `ReadRequest.scopes`. */
  readonly scope: number;
  /** Stable id in the system: entryUUID, Graph id; the normalised name where there is none. At most 1,000 characters. */
  readonly externalId: string;
  /** 32 hexadecimal digits over everything that was read of the object: equal digits, equal object. */
  readonly fingerprint: string;
  /** In a read of changes: it is there no more. It is never decoded. */
  readonly gone?: boolean | undefined;
  /** Decodes the entry; called only for those that need a second look. Throws LockstepError for a broken one. */
  decode(): ExternalObject;
}

export interface ExternalObject {
  /** How members and managers name this object: for LDAP the normalised DN. Unique within the system. */
  readonly reference: string;
  /** A second name that references may use (posixGroup's memberUid: `uid:` and the lower-case uid). */
  readonly alias?: string | undefined;
  /** Where it is, as spelled by the system: for LDAP the DN verbatim. */
  readonly location: string;
  /** References of the containers above it, nearest first, without the scope's node itself. Empty: right below the node. */
  readonly parents: readonly string[];
  /** Its name within its parent, as spelled by the system: for LDAP the RDN verbatim (`uid=jdoe`). */
  readonly name: string;
  /** Source attributes, verbatim. */
  readonly attributes: Attributes;
  /** Normalised references of a group's members, without duplicates and placeholders. Present for groups only. */
  readonly members?: readonly string[] | undefined;
  /** In a read of changes, instead of `members`, of a group that the sync has linked or that was made since. */
  readonly memberChanges?: MemberChanges | undefined;
  /** false: disabled; undefined: the system does not say. */
  readonly enabled?: boolean | undefined;
}

/** The end of a read. Without `complete` nothing that was not seen is believed to be gone. */
export interface Completeness {
  readonly complete: boolean;
  /** What was missing: a referral that could not be followed, a size limit, a truncated file. */
  readonly reason?: string | undefined;
  /** Entries that could not be understood, with their reason; they count as seen. */
  readonly warnings: readonly string[];
  /** The read brought what changed since `ReadRequest.since` and nothing else. */
  readonly changesOnly?: boolean | undefined;
  /** Where a later read of changes may begin: JSON that means something to this system alone. */
  readonly position?: unknown;
}

/** One step of `connections test`: name (`dns`, `tcp`, `tls`, `bind`, `read`), verdict and what was seen. */
export interface TestStep {
  readonly step: string;
  readonly ok: boolean;
  readonly detail: string;
  readonly remedy?: string | undefined;
}

/** What the planner wants an object to be in the target, in the target's own vocabulary. */
export interface Projected {
  /** Name within its parent: for LDAP the RDN, rendered (`uid=jdoe`). */
  readonly name: string;
  /** Every managed attribute; one that is managed and absent here is removed from the target. */
  readonly attributes: Attributes;
}

/** A password to be written. It is in no plan, and nothing that is recorded, logged or thrown may say it. */
export interface TargetPassword {
  readonly text: string;
  /** Tells it from one that is given later. */
  readonly version: string;
}

/** A change for a target, with everything that it needs to carry it out. */
export interface TargetChange {
  readonly ordinal: number;
  readonly kind: ObjectKind | 'membership';
  /** create, update, move, disable, enable, delete, addMember or removeMember; `bind` never reaches a target. */
  readonly verb: Verb;
  /** The object's id in the target; null for a create. For a membership: the group's. */
  readonly externalId: string | null;
  /** Where the object (for a membership: the group) is now, as spelled by the target; null for a create. */
  readonly location: string | null;
  /** Location of the parent that it shall have; the scope's node at the top. For create and move. */
  readonly parentLocation: string | null;
  /** Name within the parent that it shall have. For create and move. */
  readonly name: string | null;
  /** Attributes to set, with all their new values; an empty list removes the attribute. All attributes for a create. */
  readonly set: Readonly<Record<string, readonly AttributeValue[]>>;
  /** Values before, of the attributes in `set`. */
  readonly before: Readonly<Record<string, readonly AttributeValue[]>>;
  /** Wanted account state where it changes; undefined: leave alone. */
  readonly enabled?: boolean | undefined;
  /** Attributes that stay as they are, since an object that they shall name is not in the target. */
  readonly unresolved?: readonly string[] | undefined;
  /** The password that a user shall have, of any change of one who exists. */
  readonly password?: TargetPassword | undefined;
  /** For a membership: the member. */
  readonly member?: {
    readonly kind: 'user' | 'group';
    readonly externalId: string | null;
    readonly location: string | null;
    readonly alias: string | null;
    /** The reference by which the target names this member now, for a removal. */
    readonly reference: string | null;
  };
}

export type TargetOutcome =
  | {
      readonly ordinal: number;
      readonly ok: true;
      /** After create: the new id. After create and move: location, reference and alias as they are now. */
      readonly externalId?: string | undefined;
      readonly location?: string | undefined;
      readonly reference?: string | undefined;
      readonly alias?: string | undefined;
      /**
       * Where the answer to a write showed what became of the values: the fingerprint that a read would give the object
       * now. The next run then compares nothing, also where the system changed or dropped a value.
       */
      readonly fingerprint?: string | undefined;
      /**
       * After a move: references of entries that still name what moved as before, since the system refused to change
       * them. The next run looks at them again.
       */
      readonly unfollowed?: readonly string[] | undefined;
    }
  | { readonly ordinal: number; readonly ok: false; readonly code: ErrorCode; readonly message: string };

/** What is left of a plan. */
export interface PlannedWork {
  readonly objects: number;
  readonly memberships: number;
}

export interface TargetSession extends AsyncDisposable {
  /**
   * Carries out the changes in order; after a move, references to the moved object and to what lies below it are the
   * target's to keep in step. One that fails does not stop the others. `recovering` is true when an earlier
   * attempt at this very batch may have been cut off: then "exists already", "no such object" and "already a member"
   * are read back and scored as the operation that was meant.
   * @throws LockstepError when the target as a whole is out of reach: the batch is then tried again later.
   */
  apply(
    changes: readonly TargetChange[],
    options: { readonly recovering: boolean; readonly signal: AbortSignal },
  ): Promise<readonly TargetOutcome[]>;
  /** Where a quota of the system is known: seconds that so much takes from now on at least. */
  leastSeconds?(left: PlannedWork): number;
  /** After the last batch: makes the whole visible (a file is renamed into place). Safe to repeat. */
  finish(): Promise<void>;
}

/** Where a unit was when the plan was made, and where it was put. */
export interface UnitMove {
  readonly from: string;
  readonly to: string;
}

/** An attribute that a system does not have. */
export interface UnknownAttribute {
  readonly name: string;
  readonly meant: string | undefined;
}

/** An open connection to a system. */
export interface Endpoint extends AsyncDisposable {
  readonly capabilities: Capabilities;
  /** Streams everything in the scopes; respects back-pressure; the return value is the completeness proof. */
  read(request: ReadRequest): AsyncGenerator<readonly RawEntry[], Completeness>;
  /**
   * For systems that read one scope after the other: which of these objects, which a read of all scopes met in none,
   * are in one all the same. They went from a scope that was not read yet into one that had been.
   * @throws LockstepError IncompleteRead where the system does not tell.
   */
  findPresent?(
    scopes: readonly ReadScope[],
    keys: readonly ObjectKey[],
    signal: AbortSignal,
  ): Promise<readonly ObjectKey[]>;
  /**
   * Those of some attributes that the system's schema does not have, each with the one that was probably meant: what is
   * to be written into them fails. None where the system shows no schema.
   */
  findUnknown?(names: readonly string[], signal: AbortSignal): Promise<readonly UnknownAttribute[]>;
  /**
   * Fits what the mapping made of a directory object to this system: rendering the name, adding what the system
   * demands (object classes, fallbacks for required values). Pure. `existing` is what the target holds now.
   * @throws LockstepError RequiredValueMissing, naming the attribute.
   */
  project(kind: ObjectKind, attributes: Attributes, existing: ExternalObject | null): Projected;
  /** Whether two names within a parent are the same to this system (case and escapes of an RDN). */
  sameName(left: string, right: string): boolean;
  /**
   * The normalised form of a reference found in an attribute value (a manager's DN); null when it is none. What a
   * mapping writes into such an attribute of a target is the location of the object it names.
   */
  normaliseReference(text: string): string | null;
  /** Whether one scope's node contains the other (overlapping scopes are refused). */
  contains(outerNode: string, innerNode: string): boolean;
  /** Checks the filter of a scope before a sync is saved. @throws LockstepError, InvalidFilter for one. */
  checkFilter?(filter: string): void;
  /**
   * Opens the system for writing. `job` names scratch space so that a resumed job finds it again. `moved` are the units
   * that this job moved before it was interrupted, in their order: locations of what lies below them are still those
   * from before.
   */
  openTarget(options: {
    readonly job: string;
    readonly scopes: readonly ReadScope[];
    readonly moved?: readonly UnitMove[] | undefined;
  }): Promise<TargetSession>;
  /** Removes the scratch space of a job that broke off and is never resumed. */
  discard?(job: string): Promise<void>;
}

/** Signs what a connection tells the system, by the tenant's key, whose public half is published. */
export interface Signer {
  readonly tenantId: string;
  readonly connectionId: string;
  now(): Date;
  /** The claims as a signed JWT in compact form (RFC 7519). */
  sign(claims: Readonly<Record<string, unknown>>): Promise<string>;
}

export interface ConnectorContext {
  /** Directory that relative paths of the configuration start from. */
  readonly baseDirectory: string;
  /** Reads a sealed or referenced secret of this connection. */
  secret(name: string): string | undefined;
  /** Lockstep's copy of the system, for systems that tell of changes; a connection that is not saved yet has none. */
  readonly replica?: Replica | undefined;
  /** A connection that is not saved yet has none. */
  readonly signer?: Signer | undefined;
  /** Keeps requests below a quota that all processes of this installation share; absent where there is one process. */
  readonly pace?: ((key: string, quotas: Readonly<Record<string, Quota>>) => Pace) | undefined;
}

/** A connector type. `Settings` is what its configuration schema parses to. */
export interface Connector<Settings = unknown> {
  readonly type: string;
  /** Others write into it: its ingress syncs run soon after they did. */
  readonly isPushed?: boolean | undefined;
  /** The documented default mapping, by direction. */
  defaultMapping(direction: 'ingress' | 'egress', settings: Settings): Mapping;
  readonly defaultMatch: MatchRules;
  /** The node that a scope means when it names none (LDAP: baseDn; a file: the empty string). */
  rootNode(settings: Settings): string;
  /** Whether users that are read say, as a rule, if the account is enabled. */
  tellsAccountState?(settings: Settings): boolean;
  /** Opens lazily: no traffic before the first read or write. */
  open(settings: Settings, context: ConnectorContext): Promise<Endpoint>;
  /** Tests step by step; stops after the first step that fails. */
  test(settings: Settings, context: ConnectorContext): AsyncIterable<TestStep>;
}
