import { pino, type DestinationStream, type Logger } from 'pino';

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'silent';

/** What is logged of a request. */
interface LoggedRequest {
  readonly method: string;
  readonly url: string;
  readonly host?: string;
  readonly ip?: string;
  readonly socket?: { readonly remotePort?: number | undefined };
}

/** Clients of some APIs send passwords, keys and tokens in the query: it is never logged. */
function describeRequest({ method, url, host, ip, socket }: LoggedRequest): Record<string, unknown> {
  const [path] = url.split('?', 1);
  return { method, url: path, host, remoteAddress: ip, remotePort: socket?.remotePort };
}

/**
 * The log of the process: JSON lines on stderr, so that stdout is for results. Secrets in headers and queries are never
 * written.
 */
export function openLog(
  level: LogLevel,
  destination: DestinationStream = pino.destination({ dest: 2, sync: false }),
): Logger {
  const redact = { paths: ['req.headers.authorization', 'req.headers.cookie'], remove: true };
  return pino({ level, redact, base: null, serializers: { req: describeRequest } }, destination);
}
