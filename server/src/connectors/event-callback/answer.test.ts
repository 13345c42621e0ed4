import { expect, test } from 'vitest';
import { readAnswer, type Verdict } from './answer.ts';

const id = 'evnt_1';
const entry = { eventId: id, eventCode: 'code', eventMessage: 'why' };

function read(status: number, body?: unknown, headers: Record<string, string> = {}): Verdict {
  return readAnswer({ status, headers, body }, id);
}

const all = { successEvents: [], skippedEvents: [], failedEvents: [], retriedEvents: [] };

test.each([
  ['nothing', undefined],
  ['an empty object', {}],
  ['something else', { ok: true }],
  ['a text', 'success'],
  ['a success', { ...all, successEvents: [entry] }],
  ['a skip', { ...all, skippedEvents: [entry] }],
])('2xx with %s takes the event', (_, body) => {
  expect(read(200, body)).toEqual({ taken: true });
  expect(read(204, body)).toEqual({ taken: true });
});

test.each([
  [200, { ...all, failedEvents: [entry] }, false, 'failedEvents (code: why)'],
  [200, { ...all, retriedEvents: [entry] }, true, 'retriedEvents (code: why)'],
  [200, { ...all, successEvents: [{ ...entry, eventId: 'evnt_0' }] }, true, 'acknowledged other events'],
  [200, all, true, 'acknowledged other events'],
  [200, { successEvents: [null, 7, 'x'] }, true, 'acknowledged other events'],
  [200, { error: 'bad_request', errorDescription: 'no such key' }, true, 'bad_request: no such key'],
  [
    500,
    { error: 'internal_error', errorDescription: 'x'.repeat(5000) },
    true,
    'answered 500: internal_error',
  ],
  [404, undefined, true, 'answered 404'],
  [302, undefined, false, 'redirects are not followed: https://elsewhere.example'],
])('%i with %j is no acceptance', (status, body, again, reason) => {
  const verdict = read(status, body, { location: 'https://elsewhere.example' });
  expect(verdict).toMatchObject({ taken: false, again, reason: expect.stringContaining(reason) });
  expect(!verdict.taken && verdict.reason.length).toBeLessThan(400);
});

test('a failure that is also acknowledged is a failure', () => {
  expect(read(200, { successEvents: [entry], failedEvents: [entry] })).toMatchObject({ taken: false });
});
