/** The weak entity tag of a version (RFC 7644 section 3.14): representations of one version need not be equal in bytes. */
export function renderEntityTag(version: string | number | bigint): string {
  return `W/"${version}"`;
}

/** The tags of an If-Match or If-None-Match header (RFC 9110 section 13.1), without their `W/`; `*` is any. */
export function parseEntityTags(header: string): '*' | readonly string[] {
  if (header.trim() === '*') return '*';
  const quoted = [...header.matchAll(/(?:W\/)?"([^"]*)"/g)].map(([, tag]) => tag ?? '');
  // Some clients send the version without quotes.
  const bare = header.replace(/^\s*W\//, '').trim();
  return quoted.length > 0 || bare === '' ? quoted : [bare];
}

/** Whether a header names this tag, by weak comparison (RFC 9110 section 8.8.3.2). */
export function matchesEntityTag(header: string, tag: string): boolean {
  const named = parseEntityTags(header);
  const [own] = parseEntityTags(tag);
  return named === '*' || (own !== undefined && named.includes(own));
}

export interface Preconditions {
  readonly ifMatch?: string | undefined;
  readonly ifNoneMatch?: string | undefined;
}

/**
 * Whether a request is to be carried out on a resource of this tag; undefined where there is none. `not_modified` is
 * 304 for a read; for a write If-None-Match that matches is `failed`, 412.
 */
export function checkPreconditions(
  { ifMatch, ifNoneMatch }: Preconditions,
  tag: string | undefined,
  method: string,
): 'proceed' | 'not_modified' | 'failed' {
  if (ifMatch !== undefined && (tag === undefined || !matchesEntityTag(ifMatch, tag))) return 'failed';
  if (ifNoneMatch === undefined || tag === undefined || !matchesEntityTag(ifNoneMatch, tag)) return 'proceed';
  return method === 'GET' || method === 'HEAD' ? 'not_modified' : 'failed';
}
