import { LockstepError } from '../../kernel/errors.ts';
import { foldCase, isJsonList, isJsonObject, readAttribute, type Json } from '../../scim/resource.ts';
import type { ScimAttribute } from '../../scim/schema/attribute.ts';
import { groupSchemaUrn, userSchemaUrn } from '../../scim/urns.ts';
import type { ScimClient } from './client.ts';
import { nameAttributes, type ScimKind } from './naming.ts';
import { parseSchema } from './remote-schema.ts';

/** What a service tells of the resources of one type. */
export interface ResourceShape {
  /** Definitions by the folded URN of their schema; the core's under ''. */
  readonly schemas: ReadonlyMap<string, readonly ScimAttribute[]>;
}

/** What a service tells of itself; undefined where it says nothing, or what cannot be believed. */
export interface ServiceDescription {
  readonly patch: boolean | undefined;
  readonly bulk: { readonly maxOperations: number; readonly maxPayloadSize: number } | undefined;
  readonly filter: boolean | undefined;
  /** Most resources of one answer. */
  readonly maxResults: number | undefined;
  readonly etag: boolean;
  /** RFC 9865: lists can be read by cursor. */
  readonly cursor: boolean;
  /** Paths below the base address. */
  readonly endpoints: Readonly<Record<ScimKind, string>>;
  /** Whether it says that it has no groups. */
  readonly withoutGroups: boolean;
  readonly shapes: Readonly<Record<ScimKind, ResourceShape | undefined>>;
}

export const unknownService: ServiceDescription = {
  patch: undefined,
  bulk: undefined,
  filter: undefined,
  maxResults: undefined,
  etag: false,
  cursor: false,
  endpoints: { user: '/Users', group: '/Groups' },
  withoutGroups: false,
  shapes: { user: undefined, group: undefined },
};

/**
 * Asks a service what it supports (RFC 7644 section 4). Each of the three answers may be absent or wrong: then that
 * part is unknown. @throws LockstepError ConnectionFailed, AuthenticationRejected, Cancelled
 */
export async function discover(client: ScimClient, signal: AbortSignal): Promise<ServiceDescription> {
  const [configuration, types, schemas] = await Promise.all([
    ask(client, '/ServiceProviderConfig', signal),
    ask(client, '/ResourceTypes', signal),
    ask(client, '/Schemas', signal),
  ]);
  const resourceTypes = resourcesOf(types);
  return {
    ...unknownService,
    ...readConfiguration(configuration),
    endpoints: {
      user: endpointOf(resourceTypes, userSchemaUrn) ?? unknownService.endpoints.user,
      group: endpointOf(resourceTypes, groupSchemaUrn) ?? unknownService.endpoints.group,
    },
    withoutGroups:
      endpointOf(resourceTypes, userSchemaUrn) !== undefined &&
      endpointOf(resourceTypes, groupSchemaUrn) === undefined,
    shapes: readShapes(resourcesOf(schemas)),
  };
}

/** An answer, or nothing: many services leave these addresses out, ask for other rights, or answer with a page. */
async function ask(client: ScimClient, path: string, signal: AbortSignal): Promise<Json | undefined> {
  try {
    const { status, body } = await client.send({ method: 'GET', path, signal });
    return status === 200 ? (body as Json | undefined) : undefined;
  } catch (error) {
    if (
      error instanceof LockstepError &&
      ['ProtocolError', 'LimitExceeded', 'AuthenticationRejected'].includes(error.code)
    )
      return undefined;
    throw error;
  }
}

/** A list response, a bare list (as some services answer), or one resource. */
function resourcesOf(answer: Json | undefined): readonly Json[] {
  if (isJsonList(answer)) return answer;
  if (!isJsonObject(answer)) return [];
  const resources = readAttribute(answer, 'Resources');
  return isJsonList(resources) ? resources : [];
}

function readConfiguration(answer: Json | undefined): Partial<ServiceDescription> {
  if (!isJsonObject(answer)) return {};
  const bulk = readAttribute(answer, 'bulk');
  const filter = readAttribute(answer, 'filter');
  const maxResults = numberOf(filter, 'maxResults');
  return {
    patch: isSupported(readAttribute(answer, 'patch')),
    bulk:
      isSupported(bulk) === true
        ? {
            maxOperations: numberOf(bulk, 'maxOperations') ?? 1,
            maxPayloadSize: numberOf(bulk, 'maxPayloadSize') ?? 1024 * 1024,
          }
        : undefined,
    filter: isSupported(filter),
    maxResults: maxResults !== undefined && maxResults >= 1 ? maxResults : undefined,
    etag: isSupported(readAttribute(answer, 'etag')) === true,
    cursor: flagOf(readAttribute(answer, 'pagination'), 'cursor') === true,
  };
}

function isSupported(value: Json | undefined): boolean | undefined {
  return flagOf(value, 'supported');
}

function flagOf(value: Json | undefined, name: string): boolean | undefined {
  if (!isJsonObject(value)) return undefined;
  const flag = readAttribute(value, name);
  if (typeof flag === 'string') return foldCase(flag) === 'true';
  return typeof flag === 'boolean' ? flag : undefined;
}

function numberOf(value: Json | undefined, name: string): number | undefined {
  if (!isJsonObject(value)) return undefined;
  const number = Number(readAttribute(value, name));
  return Number.isSafeInteger(number) && number > 0 ? number : undefined;
}

/** The path of the resource type with this schema. One that leads elsewhere is not believed. */
function endpointOf(types: readonly Json[], schema: string): string | undefined {
  for (const type of types) {
    if (!isJsonObject(type)) continue;
    const own = readAttribute(type, 'schema');
    const endpoint = readAttribute(type, 'endpoint');
    if (typeof own !== 'string' || foldCase(own) !== foldCase(schema) || typeof endpoint !== 'string')
      continue;
    const path = `/${
      endpoint
        .split('/')
        .filter((part) => part !== '')
        .at(-1) ?? ''
    }`;
    return /^\/[\w-]+$/.test(path) ? path : undefined;
  }
  return undefined;
}

function readShapes(schemas: readonly Json[]): ServiceDescription['shapes'] {
  return { user: readShape('user', schemas), group: readShape('group', schemas) };
}

const cores: Readonly<Record<ScimKind, string>> = { user: userSchemaUrn, group: groupSchemaUrn };

/** The resources of a kind by the schemas served. One without the attribute that each such resource has is not believed. */
export function readShape(kind: ScimKind, schemas: readonly unknown[]): ResourceShape | undefined {
  const parsed = schemas.flatMap((schema) => parseSchema(schema) ?? []);
  const byUrn = new Map(parsed.map(({ id, attributes }) => [foldCase(id), attributes]));
  const attributes = byUrn.get(foldCase(cores[kind]));
  const name = foldCase(nameAttributes[kind]);
  if (attributes?.some((each) => foldCase(each.name) === name) !== true) return undefined;
  return { schemas: new Map([...byUrn, ['', attributes]]) };
}
