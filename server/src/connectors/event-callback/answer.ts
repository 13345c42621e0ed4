import { LockstepError, type ErrorCode } from '../../kernel/errors.ts';

/** What came of one try. */
export type Verdict =
  | { readonly taken: true }
  | {
      readonly taken: false;
      /** Whether another try makes sense. */
      readonly again: boolean;
      readonly code: ErrorCode;
      readonly reason: string;
      readonly retryAfter?: string | undefined;
    };

/** The part of an HTTP answer that counts. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
}

const lists = ['successEvents', 'skippedEvents', 'failedEvents', 'retriedEvents'] as const;
type ListName = (typeof lists)[number];

type Members = Readonly<Record<string, unknown>>;

function isObject(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A text of a stranger, short and in one line. */
function brief(value: unknown): string {
  const text = typeof value === 'string' ? value : '';
  const line = text.replaceAll(/\p{C}+/gu, ' ').trim();
  return line.length > 200 ? `${line.slice(0, 200)}…` : line;
}

function joined(...parts: readonly string[]): string {
  return parts.filter((part) => part !== '').join(': ');
}

function refused(again: boolean, reason: string, code: ErrorCode = 'TargetRejected'): Verdict {
  return { taken: false, again, code, reason };
}

/** Where an acknowledgement names an event. */
function entryOf(body: Members, list: ListName, eventId: string): Members | undefined {
  const entries = body[list];
  if (!Array.isArray(entries)) return undefined;
  return (entries as readonly unknown[]).filter(isObject).find((entry) => entry['eventId'] === eventId);
}

function readAcknowledgement(body: Members, eventId: string): Verdict {
  const said = (list: ListName, entry: Members): string =>
    `the application put it among its ${list} (${joined(brief(entry['eventCode']), brief(entry['eventMessage']))})`;
  const failed = entryOf(body, 'failedEvents', eventId);
  if (failed !== undefined) return refused(false, said('failedEvents', failed));
  const retried = entryOf(body, 'retriedEvents', eventId);
  if (retried !== undefined) return refused(true, said('retriedEvents', retried));
  if (entryOf(body, 'successEvents', eventId) ?? entryOf(body, 'skippedEvents', eventId))
    return { taken: true };
  return refused(true, 'the application acknowledged other events and not this one', 'ProtocolError');
}

/**
 * What an answer says of an event. Any status from 200 to 299 takes it, unless the body says otherwise: lists of events
 * that were taken, skipped, failed for good and to be told again, or an `error`.
 */
export function readAnswer({ status, headers, body }: Answer, eventId: string): Verdict {
  if (status >= 300 && status < 400) {
    const to = brief(headers['location']);
    return refused(false, joined(`the application answered ${status}, and redirects are not followed`, to));
  }
  const error = isObject(body) ? joined(brief(body['error']), brief(body['errorDescription'])) : '';
  if (status < 200 || status >= 300) {
    const reason = joined(`the application answered ${status}`, error);
    return { taken: false, again: true, code: 'TargetRejected', reason, retryAfter: headers['retry-after'] };
  }
  if (!isObject(body)) return { taken: true };
  if (error !== '') return refused(true, joined(`the application answered ${status} with an error`, error));
  return lists.some((list) => Array.isArray(body[list]))
    ? readAcknowledgement(body, eventId)
    : { taken: true };
}

/** What a request that brought no answer means; undefined where the application as a whole is out of reach. */
export function readFailure(error: unknown, reach: 'unsent' | 'lost' | 'hopeless'): Verdict | undefined {
  if (!(error instanceof LockstepError)) return undefined;
  if (error.code === 'ProtocolError' || error.code === 'LimitExceeded')
    return refused(true, error.message, error.code);
  if (error.code !== 'ConnectionFailed' || reach !== 'lost') return undefined;
  return refused(true, error.message, 'ConnectionFailed');
}
