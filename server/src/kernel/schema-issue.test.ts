import { expect, test } from 'vitest';
import { z } from 'zod';
import { connectionSchema } from '@lockstep/contract/connection-configuration.ts';
import { routes } from '@lockstep/contract/routes.ts';
import { explainIssue } from './schema-issue.ts';

function explained(schema: z.ZodType, value: unknown): string {
  const parsed = schema.safeParse(value);
  if (parsed.success) return 'accepted';
  const members = schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
  const { path, message, remedy } = explainIssue(parsed.error, value, members);
  return `${path.join('.')}: ${message}. ${remedy}`;
}

test.each([
  [{ after: '' }, 'after: must not be empty. Give a value, or leave it out.'],
  [{ after: ['a', 'b'] }, 'after: is a list. Give a text.'],
  [{ limit: 'x' }, 'limit: must be a whole number. Correct the value.'],
  [{ limit: '0' }, 'limit: must be at least 1. Give a larger number.'],
  [{ limit: '5000' }, 'limit: must be at most 1000. Give a smaller number.'],
  [{ direction: 'in' }, 'direction: cannot be "in". Give one of ingress, egress.'],
  [{ status: 'sucess' }, 'status: cannot be "sucess". Did you mean success?'],
  [
    { startedAfter: 'now' },
    'startedAfter: has another form than it must have. Give a time as 2026-01-31T08:00:00Z.',
  ],
  [{ stauts: 'held' }, 'stauts: is not known here. Did you mean status?'],
])('a query: %j', (query, sentence) => {
  expect(explained(routes.listJobs.query, query)).toBe(sentence);
});

const file = { type: 'file', path: 'a.csv' };
test.each([
  [{ type: 'ldapp' }, 'type: cannot be "ldapp". Did you mean ldap?'],
  [
    {},
    'type: is missing. Give one of ldap, file, entra_id, scim, scim_server, google_workspace, event_callback.',
  ],
  [null, ': is null. Give an object.'],
  [{ type: 'file' }, 'path: is missing. Give a text.'],
  [{ ...file, csv: { delimiter: 7 } }, 'csv.delimiter: is a number. Give a text.'],
  [{ ...file, csv: [] }, 'csv: is a list. Give an object.'],
  [{ ...file, disabled: { attribute: 'a', valeu: 'b' } }, 'disabled.value: is missing. Give a text.'],
])('a connection: %j', (settings, sentence) => {
  expect(explained(connectionSchema, settings)).toBe(sentence);
});

test('of several forms the one counts that fits best', () => {
  const rule = z.union([z.string(), z.array(z.string()), z.strictObject({ cel: z.string() })]);
  expect(explained(z.object({ rule }), { rule: { cel: 1 } })).toBe('rule.cel: is a number. Give a text.');
  expect(explained(z.object({ rule }), { rule: { cell: 'x' } })).toContain('rule.cel');
  expect(explained(z.object({ rule }), { rule: 7 })).toBe(
    'rule: has another form than it must have. Give a value as the documentation says.',
  );
});
