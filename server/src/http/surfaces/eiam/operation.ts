import type { Role } from '@lockstep/contract/account.ts';
import type { Actor } from '../../../app/actor.ts';
import type { Application } from '../../../app/application.ts';
import type { Fields, ParametersOf } from './parameter-schema.ts';

/** What RAM calls the kind of access; it also decides the role that an account needs. */
export type AccessLevel = 'create' | 'get' | 'list' | 'update' | 'delete';

/** One call of an operation: authenticated, authorised, and with parameters that fit the schema. */
export interface OperationCall<Parameters> {
  readonly app: Application;
  /** Hand it to the use cases. `actor.tenantId` is the instance id; the gateway has compared InstanceId with it. */
  readonly actor: Actor;
  readonly parameters: Parameters;
  readonly requestId: string;
  /** `https://HOST:PORT` where clients reach this server, for links. */
  readonly origin: string;
}

/** The members of a success body without RequestId, which the gateway adds. Undefined members vanish. */
export type Answer = Readonly<Record<string, unknown>>;

export interface OperationDefinition<Members extends Fields> {
  /** As on the wire: `CreateUser`. */
  readonly name: string;
  readonly level: AccessLevel;
  readonly parameters: Members;
  /**
   * What RAM policies name, behind `acs:eiam:{region}:{account}:`, without a leading slash, as
   * `instance/${InstanceId}/user/${UserId}`.
   */
  readonly resource: (parameters: ParametersOf<Members>) => string;
  /** The role that the key's account needs; by default reader for `get` and `list`, else administrator. */
  readonly role?: Role;
  /**
   * The type in `ResourceNotFound.<subject>` and `ResourceAlreadyExists.<subject>`, for a NotFound or conflict that a
   * use case throws: `User`, `OrganizationalUnit`, `Group`, `IdentityProvider`.
   */
  readonly subject?: string;
  /** What an answer does otherwise than the vendor's, for docs/surfaces.md. */
  readonly deviations?: readonly string[];
  /**
   * Calls use cases and returns the answer in PascalCase: times as `Date.getTime()`, flags as `enabled`/`disabled`
   * where the document says so. LockstepErrors of use cases are rendered by the gateway: `field` names the parameter
   * (`InvalidParameter.<field>`), so use the wire's name there. For a code of the vendor throw an EiamError (errors.ts).
   */
  readonly handler: (call: OperationCall<ParametersOf<Members>>) => Promise<Answer>;
}

/** An operation as the gateway sees it, its parameters checked at run time. */
export interface Operation {
  readonly name: string;
  readonly level: AccessLevel;
  readonly role: Role;
  readonly parameters: Fields;
  readonly subject: string | undefined;
  readonly deviations: readonly string[];
  resource(parameters: unknown): string;
  handler(call: OperationCall<unknown>): Promise<Answer>;
}

/**
 * Declares an operation; the handler's parameters get their types from the schema.
 *
 * A file of operations exports a list, which operation-table.ts names:
 *
 *     export const regionOperations: readonly Operation[] = [operation({ name: 'ListRegions', ... })];
 */
export function operation<const Members extends Fields>(definition: OperationDefinition<Members>): Operation {
  const reading = definition.level === 'get' || definition.level === 'list';
  type Parameters = ParametersOf<Members>;
  return {
    name: definition.name,
    level: definition.level,
    role: definition.role ?? (reading ? 'reader' : 'administrator'),
    parameters: definition.parameters,
    subject: definition.subject,
    deviations: definition.deviations ?? [],
    resource: (parameters) => definition.resource(parameters as Parameters),
    handler: async (call) => definition.handler(call as OperationCall<Parameters>),
  };
}

/** The parameter of all operations but ten: the tenant. The gateway refuses another one than the key's. */
export const instanceId = { type: 'string', required: true, maxLength: 64 } as const;
/** An id of any resource. */
export const resourceId = { type: 'string', required: true, maxLength: 64 } as const;
/** The idempotency key of operations that have one: up to 64 ASCII characters. */
export const clientToken = { type: 'string', maxLength: 64, pattern: /^[\x20-\x7e]*$/ } as const;
