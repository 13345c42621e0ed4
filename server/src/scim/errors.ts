import { type ErrorCode, type ErrorKind, LockstepError } from '../kernel/errors.ts';
import { isJsonObject, type JsonObject, readAttribute } from './resource.ts';
import { errorUrn } from './urns.ts';

/** Details of an error (RFC 7644 section 3.12, table 9; RFC 9865 section 2.3). */
export const scimTypes = [
  'invalidFilter',
  'tooMany',
  'uniqueness',
  'mutability',
  'invalidSyntax',
  'invalidPath',
  'noTarget',
  'invalidValue',
  'invalidVers',
  'sensitive',
  'invalidCursor',
  'expiredCursor',
  'invalidCount',
] as const;
export type ScimType = (typeof scimTypes)[number];

/** An error as SCIM tells it. */
export interface ScimError {
  /** HTTP status. */
  readonly status: number;
  readonly scimType?: ScimType;
  readonly detail: string;
}

const statusOfKind: Record<ErrorKind, number> = {
  invalid: 400,
  unauthenticated: 401,
  forbidden: 403,
  not_found: 404,
  conflict: 409,
  rate_limited: 429,
  unavailable: 503,
  refused: 403,
  guarded: 503,
  cancelled: 503,
  bug: 500,
};

const particular: Partial<Record<ErrorCode, { readonly status?: number; readonly scimType?: ScimType }>> = {
  InvalidFilter: { scimType: 'invalidFilter' },
  InvalidSyntax: { scimType: 'invalidSyntax' },
  InvalidRequest: { scimType: 'invalidValue' },
  InvalidPath: { scimType: 'invalidPath' },
  InvalidValue: { scimType: 'invalidValue' },
  RequiredValueMissing: { scimType: 'invalidValue' },
  NotMutable: { scimType: 'mutability' },
  NoTarget: { scimType: 'noTarget' },
  UsernameTaken: { scimType: 'uniqueness' },
  NameTaken: { scimType: 'uniqueness' },
  Conflict: { scimType: 'uniqueness' },
  RevisionMoved: { status: 412 },
  LimitExceeded: { status: 413 },
  InvalidCursor: { scimType: 'invalidCursor' },
  InvalidCount: { scimType: 'invalidCount' },
};

/** What to answer for any error; of a defect nothing is told but that it is one. */
export function scimErrorOf(error: unknown): ScimError {
  if (!(error instanceof LockstepError) || error.kind === 'bug') {
    return { status: 500, detail: 'Something went wrong in Lockstep.' };
  }
  const { status = statusOfKind[error.kind], scimType } = particular[error.code] ?? {};
  const detail = error.remedy === undefined ? error.message : `${error.message} ${error.remedy}`;
  return scimType === undefined ? { status, detail } : { status, scimType, detail };
}

/** The message of RFC 7644 section 3.12; `status` is a string there. */
export function renderScimError(error: ScimError): JsonObject {
  return {
    schemas: [errorUrn],
    status: String(error.status),
    ...(error.scimType === undefined ? {} : { scimType: error.scimType }),
    detail: error.detail,
  };
}

/** An error that a service answered with. Many send a status as a number, no `scimType`, or no SCIM at all. */
export function parseScimError(status: number, body: unknown): ScimError {
  if (!isJsonObject(body)) return { status, detail: typeof body === 'string' ? body.slice(0, 500) : '' };
  const written = readAttribute(body, 'scimType');
  const scimType = scimTypes.find((each) => each === written);
  const detail = [
    readAttribute(body, 'detail'),
    readAttribute(body, 'message'),
    readAttribute(body, 'error'),
  ].find((each) => typeof each === 'string');
  return {
    status,
    ...(scimType === undefined ? {} : { scimType }),
    detail: typeof detail === 'string' ? detail : '',
  };
}
