import { isStorableText } from '../../json-body.ts';
import { EiamError, invalidParameter } from './errors.ts';

/** A name and a value, decoded, in the order of the wire. */
export type Pair = readonly [name: string, value: string];

/** A request as it came, before anything in it is believed. */
export interface WireRequest {
  readonly method: string;
  /** As on the wire, without the query. */
  readonly path: string;
  readonly query: readonly Pair[];
  readonly form: readonly Pair[];
  /** Header values by lowercase name; several where the header came several times. */
  readonly headers: ReadonlyMap<string, readonly string[]>;
  /** The bytes received, after transfer coding. */
  readonly body: Uint8Array;
}

/** Names are short; what is longer would only come back in an error. */
const longestName = 512;
const mostPairs = 20_000;

/** A name fit to stand in an error code. */
export function printableName(name: string): string {
  return name.replaceAll(/[^\w.-]/g, '_').slice(0, 100);
}

function decode(text: string): string {
  let decoded: string;
  try {
    decoded = decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    throw new EiamError(400, 'InvalidParameter', 'A parameter is not percent-encoded UTF-8.');
  }
  if (isStorableText(decoded)) return decoded;
  throw new EiamError(400, 'InvalidParameter', 'A parameter contains U+0000 or half of a surrogate pair.');
}

/**
 * Pairs of `application/x-www-form-urlencoded` text, of a query or a body.
 * @throws EiamError InvalidParameter for what is not percent-encoded UTF-8.
 */
export function parsePairs(text: string): Pair[] {
  const parts = text.split('&').filter((part) => part !== '');
  if (parts.length > mostPairs)
    throw new EiamError(400, 'InvalidParameter', 'There are too many parameters.');
  return parts.map((part) => {
    const cut = part.indexOf('=');
    const name = decode(cut < 0 ? part : part.slice(0, cut));
    if (name.length > longestName) throw invalidParameter(printableName(name));
    return [name, cut < 0 ? '' : decode(part.slice(cut + 1))];
  });
}

/** Headers by lowercase name, off node's list of names and values. */
export function collectHeaders(rawHeaders: readonly string[]): Map<string, string[]> {
  const headers = new Map<string, string[]>();
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = (rawHeaders[index] ?? '').toLowerCase();
    const values = headers.get(name);
    if (values === undefined) headers.set(name, [rawHeaders[index + 1] ?? '']);
    else values.push(rawHeaders[index + 1] ?? '');
  }
  return headers;
}

/** The one value of a header; undefined when there is none or several. */
export function singleHeader(request: Pick<WireRequest, 'headers'>, name: string): string | undefined {
  const values = request.headers.get(name);
  return values?.length === 1 ? values[0] : undefined;
}

function parseForm(headers: WireRequest['headers'], body: Uint8Array): Pair[] {
  if (body.length === 0) return [];
  const mediaType = singleHeader({ headers }, 'content-type')?.split(';')[0]?.trim().toLowerCase();
  if (mediaType !== undefined && mediaType !== 'application/x-www-form-urlencoded') {
    throw new EiamError(415, 'UnsupportedMediaType', 'The body must be application/x-www-form-urlencoded.');
  }
  try {
    return parsePairs(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body));
  } catch (error) {
    if (error instanceof EiamError) throw error;
    throw new EiamError(400, 'InvalidParameter', 'The body is not valid UTF-8.');
  }
}

/** @throws EiamError 400 and 415 for what cannot be read. */
export function parseWireRequest(raw: {
  readonly method: string;
  readonly url: string;
  readonly rawHeaders: readonly string[];
  readonly body: Uint8Array;
}): WireRequest {
  const cut = raw.url.indexOf('?');
  const headers = collectHeaders(raw.rawHeaders);
  return {
    method: raw.method,
    path: cut < 0 ? raw.url : raw.url.slice(0, cut),
    query: cut < 0 ? [] : parsePairs(raw.url.slice(cut + 1)),
    form: parseForm(headers, raw.body),
    headers,
    body: raw.body,
  };
}

/**
 * Query and form as one. A name that comes twice is refused: the signed text and what is read could differ in which one
 * they mean.
 */
export function mergeParameters(request: Pick<WireRequest, 'query' | 'form'>): Map<string, string> {
  const merged = new Map<string, string>();
  for (const [name, value] of [...request.query, ...request.form]) {
    if (merged.has(name)) throw invalidParameter(printableName(name), 'It is given more than once.');
    merged.set(name, value);
  }
  return merged;
}
