import { isId, type IdType } from '../../../kernel/ids.ts';
import { invalidParameter } from './errors.ts';

const defaultPageSize = 20;

/** Parameters of lists by page number. */
export const pageParameters = {
  PageNumber: { type: 'long', minimum: 1, maximum: 2 ** 31 },
  PageSize: { type: 'long', minimum: 1, maximum: 100 },
} as const;

/** Parameters of lists by token. */
export const tokenParameters = {
  MaxResults: { type: 'integer', minimum: 1, maximum: 100 },
  NextToken: { type: 'string', maxLength: 512 },
} as const;

export interface PageNumbers {
  readonly PageNumber?: number | undefined;
  readonly PageSize?: number | undefined;
}

/** Which items a page by number holds. */
export function readPage({ PageNumber = 1, PageSize = defaultPageSize }: PageNumbers): {
  offset: number;
  limit: number;
} {
  return { offset: (PageNumber - 1) * PageSize, limit: PageSize };
}

export interface PageTokens {
  readonly MaxResults?: number | undefined;
  readonly NextToken?: string | undefined;
}

/** A token that stands for the place behind an item. */
export function renderToken(prefix: 'NT' | 'PT', key: string): string {
  return `${prefix}${Buffer.from(key, 'utf8').toString('base64url')}`;
}

/** @throws EiamError InvalidParameter for what is no token of this server. */
export function parseToken(prefix: 'NT' | 'PT', token: string, name: string): string {
  const key = token.startsWith(prefix)
    ? Buffer.from(token.slice(prefix.length), 'base64url').toString('utf8')
    : '';
  if (/^[\w-]{1,100}$/.test(key) && renderToken(prefix, key) === token) return key;
  throw invalidParameter(name);
}

/** Which items a page holds where both ways are taken. */
export interface TokenOrPage {
  readonly after?: string | undefined;
  readonly offset?: number;
  readonly limit: number;
  /** Whether the answer leads on by a token. */
  readonly byToken: boolean;
}

/**
 * A token, or a size asked for as one asks with tokens, wins: page numbers are then not looked at.
 * @param type what is listed, by its ids
 */
export function readTokenOrPage(given: PageTokens & PageNumbers, type: IdType): TokenOrPage {
  const { MaxResults, PageNumber, PageSize } = given;
  const token = given.NextToken === '' ? undefined : given.NextToken;
  if (token === undefined && MaxResults === undefined) {
    return { ...readPage(given), byToken: PageNumber === undefined && PageSize === undefined };
  }
  const after = token === undefined ? undefined : parseToken('NT', token, 'NextToken');
  if (after !== undefined && !isId(type, after)) throw invalidParameter('NextToken');
  return { after, limit: MaxResults ?? defaultPageSize, byToken: true };
}
