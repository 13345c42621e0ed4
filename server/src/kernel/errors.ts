/** Who must act on an error; each surface maps a kind to its own status and dialect. */
export type ErrorKind =
  | 'invalid'
  | 'unauthenticated'
  | 'forbidden'
  | 'not_found'
  | 'conflict'
  | 'rate_limited'
  | 'unavailable'
  | 'refused'
  | 'guarded'
  | 'cancelled'
  | 'bug';

/** Every error that Lockstep raises on purpose: code, kind, and what it means (docs/errors.md is generated from here). */
export const errorTable = {
  InvalidConfiguration: ['invalid', 'The configuration file or a value in it is not valid.'],
  InvalidRequest: ['invalid', 'A parameter or body of the request is not valid.'],
  InvalidExpression: ['invalid', 'A mapping expression does not compile.'],
  InvalidSchedule: ['invalid', 'A schedule cannot be parsed, or uses an unsupported element.'],
  InvalidDn: ['invalid', 'A distinguished name does not follow RFC 4514.'],
  InvalidFilter: ['invalid', 'A search filter does not follow RFC 4515 (LDAP) or RFC 7644 (SCIM).'],
  InvalidSyntax: ['invalid', 'A message does not have the structure that its protocol demands.'],
  InvalidPath: ['invalid', 'The path of an attribute is malformed, or names nothing in the schema.'],
  InvalidValue: ['invalid', 'A value does not fit the type or the rules of its attribute.'],
  NotMutable: ['invalid', 'The attribute is read-only, required, or set once and for all.'],
  NoTarget: ['invalid', 'The path of a change matches no value of the object.'],
  InvalidCursor: ['invalid', 'The cursor of a list is not one that this server gave out.'],
  InvalidCount: ['invalid', 'The number of results asked for is not allowed.'],
  InvalidRecord: ['invalid', 'A record of a file cannot be parsed.'],
  SecretNotFound: ['invalid', 'A secret named in the configuration is not set.'],
  Unauthenticated: ['unauthenticated', 'The request carries no valid credential.'],
  Forbidden: ['forbidden', 'The credential does not allow this.'],
  NotFound: ['not_found', 'No such resource in this tenant.'],
  Conflict: ['conflict', 'The resource exists already or has changed meanwhile.'],
  AmbiguousMatch: ['conflict', 'Several records share a match value, or a record matches several objects.'],
  UsernameTaken: ['conflict', 'Another user of the tenant has this user name.'],
  NameTaken: ['conflict', 'Another object has this name in the same place.'],
  RevisionMoved: ['conflict', 'The object changed since the plan was made.'],
  UndoConflict: ['conflict', 'The object changed since the job that is taken back; it stays as it is.'],
  RequiredValueMissing: ['invalid', 'A value that the target demands is missing.'],
  ReferenceNotFound: ['not_found', 'A referenced object does not exist, or is not in scope.'],
  ParentNotFound: ['not_found', 'The parent of the object does not exist, or is not in scope.'],
  ParentCycle: ['invalid', 'The parents of an object form a cycle.'],
  DependencyFailed: ['refused', 'An object that this change depends on could not be written.'],
  Held: ['guarded', 'The guard held the change; approve its job to apply it.'],
  DryRun: ['refused', 'A dry run plans and does not write.'],
  JobTakenOver: ['conflict', 'Another worker has taken the job over; this one stops.'],
  Cancelled: ['cancelled', 'The job was cancelled before this change.'],
  GuardTripped: ['guarded', 'The plan exceeds the limits of the guard.'],
  PlanMoved: ['refused', 'Source or target moved since the plan was made; run the sync again.'],
  PlanSuperseded: ['refused', 'A newer run of the sync superseded the held plan.'],
  NotApproved: ['refused', 'Not a part of the plan that was approved; the next run does it.'],
  NotUndoable: ['refused', 'Only what a job of an ingress did to the directory can be taken back.'],
  NotHeld: ['refused', 'Only a held job can be approved.'],
  IncompleteRead: [
    'unavailable',
    'The source could not be read to its end; nothing was deleted or disabled.',
  ],
  ConnectorUnavailable: ['unavailable', 'No connector of this type is installed.'],
  ConnectionFailed: ['unavailable', 'The connected system cannot be reached.'],
  AuthenticationRejected: ['unavailable', 'The connected system rejected the credentials.'],
  TargetRejected: ['refused', 'The connected system refused a write.'],
  PasswordRejected: ['refused', 'The connected system refused a password; the user has the one from before.'],
  PasswordExpired: ['refused', 'A password waited too long to be written, and is gone; set it again.'],
  ProtocolError: ['unavailable', 'The connected system sent what its protocol does not allow.'],
  LimitExceeded: ['refused', 'A size, depth or time limit was exceeded.'],
  DataDirectoryLocked: ['refused', 'Another process holds the data directory.'],
  StoreUnavailable: ['unavailable', 'The store cannot be opened or reached.'],
  RateLimited: ['rate_limited', 'Too many requests.'],
  Internal: ['bug', 'A defect in Lockstep.'],
} as const satisfies Record<string, readonly [ErrorKind, string]>;

export type ErrorCode = keyof typeof errorTable;

/** One of several things that are wrong with an input: a file, a request. */
export interface Problem {
  readonly code: ErrorCode;
  readonly message: string;
  /** Path of the field, as `syncs.corp-in.scopes[0].source`. */
  readonly field: string;
  readonly remedy: string;
  readonly position: { readonly file?: string; readonly line: number; readonly column: number };
}

export interface ErrorDetail {
  /** The field, option or attribute at fault, as its user wrote it. */
  readonly field?: string | undefined;
  /** What the user can do about it. */
  readonly remedy?: string | undefined;
  /** Where in a file, 1-based. */
  readonly position?: { readonly file?: string; readonly line: number; readonly column: number } | undefined;
  readonly cause?: unknown;
  /** All that is wrong, where one input can have several faults. */
  readonly problems?: readonly Problem[] | undefined;
}

/** The one error class. Failure of a single object is an outcome row and no exception. */
export class LockstepError extends Error {
  readonly code: ErrorCode;
  readonly field: string | undefined;
  readonly remedy: string | undefined;
  readonly position: ErrorDetail['position'];
  readonly problems: readonly Problem[];

  constructor(code: ErrorCode, message: string, detail: ErrorDetail = {}) {
    super(message, detail.cause === undefined ? undefined : { cause: detail.cause });
    this.name = 'LockstepError';
    this.code = code;
    this.field = detail.field;
    this.remedy = detail.remedy;
    this.position = detail.position;
    this.problems = detail.problems ?? [];
  }

  get kind(): ErrorKind {
    return errorTable[this.code][0];
  }
}
