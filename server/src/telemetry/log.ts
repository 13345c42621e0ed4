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

/** What lets its bearer read a report. */
const downloadToken = /(?<=\/download\/)[^/]+/;

/** Clients of some APIs send passwords, keys and tokens in the query: it is never logged, nor is a link's token. */
function describeRequest({ method, url, host, ip, socket }: LoggedRequest): Record<string, unknown> {
  const [path = ''] = url.split('?', 1);
  return {
    method,
    url: path.replace(downloadToken, 'TOKEN'),
    host,
    remoteAddress: ip,
    remotePort: socket?.remotePort,
  };
}

/** The driver of the database hangs its whole client on the error of a lost connection. */
function describeError(error: Error): object {
  const { client: _, ...described } = pino.stdSerializers.err(error);
  return described;
}

/** Asynchronous. Where nothing can be written (a full disk, a closed pipe) nothing is logged, and all else goes on. */
function standardError(): DestinationStream {
  return pino.destination({ dest: 2, sync: false }).on('error', () => undefined);
}

/**
 * The log of the process: JSON lines on stderr, so that stdout is for results. Secrets in headers and queries are never
 * written.
 */
export function openLog(level: LogLevel, destination: DestinationStream = standardError()): Logger {
  const redact = { paths: ['req.headers.authorization', 'req.headers.cookie'], remove: true };
  return pino(
    { level, redact, base: null, serializers: { req: describeRequest, err: describeError } },
    destination,
  );
}
