import { pino, type Logger } from 'pino';

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'silent';

/** The log of the process: JSON lines on stderr, so that stdout is for results. Secrets in headers are never written. */
export function openLog(level: LogLevel): Logger {
  const redact = { paths: ['req.headers.authorization', 'req.headers.cookie'], remove: true };
  return pino({ level, redact, base: null }, pino.destination({ dest: 2, sync: false }));
}
