import { badRequest, malformed } from '../graph-error.ts';
import { getObject, type Exchange } from '../exchange.ts';
import { asStrings, isJsonObject, type JsonObject } from '../json.ts';
import type { DirectoryObject } from '../state/directory-object.ts';

/** Most references of one `@odata.bind`. */
const mostBinds = 20;

/** The object that a `{"@odata.id": url}` body names. @throws GraphError 400, 404 */
export function referencedObject(exchange: Exchange, body: unknown): DirectoryObject {
  const link = isJsonObject(body) ? body['@odata.id'] : undefined;
  if (typeof link !== 'string') throw malformed("A '@odata.id' member is expected in the request body.");
  return followLink(exchange, link);
}

/** The objects that `members@odata.bind` names, undefined without it. @throws GraphError 400, 404 */
export function boundObjects(
  exchange: Exchange,
  body: JsonObject,
  name: string,
): DirectoryObject[] | undefined {
  const value = body[`${name}@odata.bind`];
  if (value === undefined) return undefined;
  const links = asStrings(value);
  if (!links) throw malformed(`The value of '${name}@odata.bind' must be a list of links.`);
  if (links.length > mostBinds)
    throw badRequest(
      `The request has ${links.length} references; at most ${mostBinds} references are supported.`,
    );
  return links.map((link) => followLink(exchange, link));
}

function followLink(exchange: Exchange, link: string): DirectoryObject {
  const url = URL.parse(link);
  const known = [exchange.graphUrl, 'https://graph.microsoft.com'].map((base) => new URL(base).host);
  const match = /^\/(?:v1\.0|beta)\/(?:directoryObjects|users|groups)\/([^/]+)$/i.exec(url?.pathname ?? '');
  if (!url || !known.includes(url.host) || !match)
    throw badRequest(`Invalid URL format specified in @odata.id: '${link}'.`);
  return getObject(exchange, decodeURIComponent(match[1] ?? ''));
}
