import {
  isJsonList,
  isJsonObject,
  type Json,
  type JsonObject,
  readAttribute,
  type ScimResource,
} from './resource.ts';
import { serviceProviderConfigUrn } from './urns.ts';

/** What a service supports (RFC 7643 section 5; paging RFC 9865 section 4). */
export interface ServiceProviderFeatures {
  readonly patch: boolean;
  readonly bulk: {
    readonly supported: boolean;
    readonly maxOperations: number;
    readonly maxPayloadSize: number;
  };
  readonly filter: { readonly supported: boolean; readonly maxResults: number };
  readonly changePassword: boolean;
  readonly sort: boolean;
  readonly etag: boolean;
  readonly pagination: Pagination;
  readonly authenticationSchemes: readonly AuthenticationScheme[];
  readonly documentationUri?: string;
}

export interface Pagination {
  readonly cursor: boolean;
  readonly index: boolean;
  readonly defaultPaginationMethod?: 'cursor' | 'index';
  readonly defaultPageSize?: number;
  readonly maxPageSize?: number;
  /** Seconds that a cursor lives. */
  readonly cursorTimeout?: number;
}

export interface AuthenticationScheme {
  readonly type: string;
  readonly name: string;
  readonly description: string;
  readonly specUri?: string;
  readonly documentationUri?: string;
  readonly primary?: boolean;
}

export function renderServiceProviderConfig(
  features: ServiceProviderFeatures,
  baseUrl: string,
): ScimResource {
  const { patch, bulk, filter, changePassword, sort, etag, documentationUri } = features;
  return {
    schemas: [serviceProviderConfigUrn],
    ...(documentationUri === undefined ? {} : { documentationUri }),
    patch: { supported: patch },
    bulk: { ...bulk },
    filter: { ...filter },
    changePassword: { supported: changePassword },
    sort: { supported: sort },
    etag: { supported: etag },
    pagination: { ...features.pagination },
    authenticationSchemes: features.authenticationSchemes.map((scheme) => ({ ...scheme })),
    meta: { resourceType: 'ServiceProviderConfig', location: `${baseUrl}/ServiceProviderConfig` },
  };
}

/**
 * What a service says of itself. Whatever is missing or malformed is taken as not supported, paging by index apart,
 * which everyone has; a limit that is not told is 0.
 */
export function parseServiceProviderConfig(body: unknown): ServiceProviderFeatures {
  const config: JsonObject = isJsonObject(body) ? body : {};
  const part = (name: string): JsonObject => {
    const value = readAttribute(config, name);
    return isJsonObject(value) ? value : {};
  };
  const supported = (name: string) => isTrue(readAttribute(part(name), 'supported'));
  const count = (name: string, limit: string) => numberOf(readAttribute(part(name), limit)) ?? 0;
  const schemes = readAttribute(config, 'authenticationSchemes');
  return {
    patch: supported('patch'),
    bulk: {
      supported: supported('bulk'),
      maxOperations: count('bulk', 'maxOperations'),
      maxPayloadSize: count('bulk', 'maxPayloadSize'),
    },
    filter: { supported: supported('filter'), maxResults: count('filter', 'maxResults') },
    changePassword: supported('changePassword'),
    sort: supported('sort'),
    etag: supported('etag'),
    pagination: parsePagination(part('pagination')),
    authenticationSchemes: isJsonList(schemes) ? schemes.flatMap(parseScheme) : [],
  };
}

function parsePagination(part: JsonObject): Pagination {
  const method = readAttribute(part, 'defaultPaginationMethod');
  const numbers = (['defaultPageSize', 'maxPageSize', 'cursorTimeout'] as const).flatMap((name) => {
    const value = numberOf(readAttribute(part, name));
    return value === undefined ? [] : [[name, value] as const];
  });
  return {
    cursor: isTrue(readAttribute(part, 'cursor')),
    index: readAttribute(part, 'index') === undefined || isTrue(readAttribute(part, 'index')),
    ...(method === 'cursor' || method === 'index' ? { defaultPaginationMethod: method } : {}),
    ...Object.fromEntries(numbers),
  };
}

function parseScheme(value: Json): AuthenticationScheme[] {
  if (!isJsonObject(value)) return [];
  const text = (name: string) => {
    const held = readAttribute(value, name);
    return typeof held === 'string' ? held : '';
  };
  return [{ type: text('type'), name: text('name'), description: text('description') }];
}

function isTrue(value: Json | undefined): boolean {
  return value === true || (typeof value === 'string' && value.toLowerCase() === 'true');
}

function numberOf(value: Json | undefined): number | undefined {
  const number = typeof value === 'string' && value !== '' ? Number(value) : value;
  return typeof number === 'number' && Number.isSafeInteger(number) && number >= 0 ? number : undefined;
}
