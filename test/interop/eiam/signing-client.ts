import { createHash, createHmac, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';

/** A key as its owner has it. */
export interface Key {
  readonly id: string;
  readonly secret: string;
  readonly token?: string;
}

/** A request ready to be sent, every part of which a test may bend. */
export interface Draft {
  method: string;
  /** Encoded pairs as they stand on the wire. */
  query: [name: string, value: string][];
  headers: Record<string, string>;
  body: string;
}

export interface Reply {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: Record<string, unknown>;
}

/** Written by the vendor's description alone: every byte but letters, digits and -_.~ becomes %XX. */
export function escapeBytes(text: string): string {
  let escaped = '';
  for (const byte of Buffer.from(text, 'utf8')) {
    const plain = /[A-Za-z0-9\-_.~]/.test(String.fromCharCode(byte)) && byte < 128;
    escaped += plain ? String.fromCharCode(byte) : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return escaped;
}

function joinSorted(pairs: readonly (readonly [string, string])[]): string {
  const lines = pairs.map(([name, value]) => ({ name, line: `${escapeBytes(name)}=${escapeBytes(value)}` }));
  lines.sort((left, right) => (left.name < right.name ? -1 : 1));
  return lines.map(({ line }) => line).join('&');
}

function stamp(now: Date): string {
  return `${now.toISOString().slice(0, 19)}Z`;
}

/** A request signed by V3: all parameters in the query, or in the body. */
export function draftV3(
  host: string,
  key: Key,
  action: string,
  parameters: Readonly<Record<string, string>>,
  options: { readonly inBody?: boolean; readonly method?: string; readonly now?: Date } = {},
): Draft {
  const pairs = Object.entries(parameters);
  const body = options.inBody === true ? joinSorted(pairs) : '';
  const draft: Draft = {
    method: options.method ?? 'POST',
    query: options.inBody === true ? [] : pairs,
    headers: {
      host,
      'x-acs-action': action,
      'x-acs-version': '2021-12-01',
      'x-acs-date': stamp(options.now ?? new Date()),
      'x-acs-signature-nonce': randomBytes(16).toString('hex'),
      'x-acs-content-sha256': createHash('sha256').update(body).digest('hex'),
      ...(key.token === undefined ? {} : { 'x-acs-security-token': key.token }),
      ...(body === '' ? {} : { 'content-type': 'application/x-www-form-urlencoded' }),
    },
    body,
  };
  const names = Object.keys(draft.headers).sort();
  const canonical =
    `${draft.method}\n/\n${joinSorted(draft.query)}\n` +
    `${names.map((name) => `${name}:${draft.headers[name] ?? ''}\n`).join('')}\n` +
    `${names.join(';')}\n${draft.headers['x-acs-content-sha256'] ?? ''}`;
  const digest = createHash('sha256').update(canonical).digest('hex');
  const signature = createHmac('sha256', key.secret).update(`ACS3-HMAC-SHA256\n${digest}`).digest('hex');
  draft.headers['authorization'] =
    `ACS3-HMAC-SHA256 Credential=${key.id},SignedHeaders=${names.join(';')},Signature=${signature}`;
  return draft;
}

/** A request signed by V1: common parameters and all others in the query, or in the body. */
export function draftV1(
  host: string,
  key: Key,
  action: string,
  parameters: Readonly<Record<string, string>>,
  options: { readonly inBody?: boolean; readonly method?: string; readonly now?: Date } = {},
): Draft {
  const method = options.method ?? 'GET';
  const all: Record<string, string> = {
    Action: action,
    Version: '2021-12-01',
    Format: 'JSON',
    Timestamp: stamp(options.now ?? new Date()),
    SignatureNonce: randomBytes(16).toString('hex'),
    SignatureMethod: 'HMAC-SHA1',
    SignatureVersion: '1.0',
    AccessKeyId: key.id,
    ...(key.token === undefined ? {} : { SecurityToken: key.token }),
    ...parameters,
  };
  const text = `${method}&%2F&${escapeBytes(joinSorted(Object.entries(all)))}`;
  all['Signature'] = createHmac('sha1', `${key.secret}&`).update(text).digest('base64');
  const inBody = options.inBody === true;
  return {
    method,
    query: inBody ? [] : Object.entries(all),
    headers: { host, ...(inBody ? { 'content-type': 'application/x-www-form-urlencoded' } : {}) },
    body: inBody ? joinSorted(Object.entries(all)) : '',
  };
}

/** Sends a draft as it is. The body goes in chunks when it has no content-length of its own. */
export async function sendDraft(url: string, draft: Draft): Promise<Reply> {
  const search = draft.query.map(([name, value]) => `${escapeBytes(name)}=${escapeBytes(value)}`).join('&');
  const { hostname, port } = new URL(url);
  const outgoing = httpRequest({
    hostname,
    port,
    method: draft.method,
    path: search === '' ? '/' : `/?${search}`,
    headers: draft.headers,
    agent: false,
  });
  outgoing.end(draft.body === '' ? undefined : draft.body);
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString('utf8');
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    body: JSON.parse(text) as Record<string, unknown>,
  };
}
