/** A path with a whole address behind the prefix; proxies turn `//` into `/`. */
const concatenated = /^\/api\/v1\/?https?:\/{1,2}[^/?#]+(\/api\/v1\/.*)$/i;

/**
 * The path that a client of the Meraki API means. Its Python library puts the address of the next page behind the
 * address that it was configured with, since it knows the vendor's own hosts only; and nothing is ever redirected, so a
 * slash at the end is dropped here.
 */
export function rewriteMerakiPath(url: string): string {
  if (!url.startsWith('/api/v1')) return url;
  const meant = concatenated.exec(url)?.[1] ?? url;
  return meant.replace(/^([^?]*[^?/])\/+(?=\?|$)/, '$1');
}
