/** Methods that may be repeated without a further effect (RFC 9110 section 9.2.2). */
const idempotentMethods = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE']);

export function isIdempotent(method: string): boolean {
  return idempotentMethods.has(method);
}

/**
 * Whether another try makes sense. 429 and 503 say that the request was not worked on; after 502 and 504 nobody knows,
 * so that only what may be repeated is.
 */
export function isRetryable(status: number, idempotent: boolean): boolean {
  if (status === 429 || status === 503) return true;
  return idempotent && (status === 502 || status === 504);
}

/**
 * Seconds that Retry-After asks for (RFC 9110 section 10.2.3): a number, also a fractional one as some services send,
 * or a date. Undefined when there is none that can be understood.
 */
export function retryAfterSeconds(value: string | undefined, now: number = Date.now()): number | undefined {
  if (value === undefined) return undefined;
  const text = value.trim();
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text);
  const at = Date.parse(text);
  return Number.isNaN(at) ? undefined : Math.max(0, (at - now) / 1000);
}

/** A longer wait than this is the caller's to decide about. */
export const longestWaitSeconds = 600;

const firstSeconds = 0.5;
const longestSeconds = 30;

/** Seconds before try number `attempt` (from 1) where the system names none: doubling, with jitter against herds. */
export function backoffSeconds(attempt: number, random: () => number = Math.random): number {
  const ceiling = Math.min(longestSeconds, firstSeconds * 2 ** (attempt - 1));
  return ceiling * (0.5 + random() / 2);
}
