import { emptyStatistics } from '@lockstep/contract/job.ts';
import { expect, test } from 'vitest';
import { LockstepError } from '../kernel/errors.ts';
import { parseEvents } from './client.ts';
import { renderDifference } from './configuration-difference.ts';
import { ProgressReporter, renderDuration, renderProgress } from './progress.ts';
import { renderError } from './report-error.ts';
import { orderStatistics, renderStatistics } from './statistics-table.ts';
import { renderReport } from './sync-report.ts';
import { printable, renderTable } from './table.ts';

test('columns are as wide as their widest cell', () => {
  const text = renderTable(
    [
      { title: 'NAME', value: (row: [string, number]) => row[0] },
      { title: 'N', value: (row: [string, number]) => String(row[1]), align: 'right' },
    ],
    [
      ['Müller', 1],
      ['x', 200],
    ],
  );
  expect(text).toBe('NAME      N\nMüller    1\nx       200');
});

test('escape sequences in names do not reach the terminal', () => {
  expect(printable('a\u001b[31mb\nc\u202e')).toBe('a\\u001b[31mb\\u000ac\\u202e');
});

test('statistics show used operations only, with failed and skipped', () => {
  const statistics = emptyStatistics();
  statistics.user.created = { total: 5, success: 2, failed: 1, skipped: 2 };
  const lines = renderStatistics([{ sync: 'in', status: 'partial_success', statistics }]).split('\n');
  expect(lines[0]).toMatch(/^SYNC +STATUS +KIND +CREATED$/);
  expect(lines[1]).toMatch(/^in +partial_success +users +5 \(1 failed, 2 skipped\)$/);
  expect(lines[2]).toMatch(/^ +organizational units +\.$/);
});

test('statistics of nothing have one line for each job', () => {
  const row = { sync: 'in', status: 'success', statistics: emptyStatistics() };
  expect(renderStatistics([row])).toBe('SYNC  STATUS   OBJECTS\nin    success  none');
});

test('a report with more failures than it shows says where all of them are, in the store that was named', () => {
  const error = {
    kind: 'user',
    verb: 'create',
    object: 'amy',
    code: 'Conflict',
    message: 'is there',
  } as const;
  const errors = Array.from({ length: 21 }, () => error);
  const job = { id: 'sync_1', sync: 'in', direction: 'ingress', status: 'failed', errors } as const;
  const report = { ...job, statistics: emptyStatistics(), complete: true, note: null, guard: null };
  expect(renderReport([{ report, guard: [], named: ' --data /srv/data' }])).toContain(
    '  and 1 more: bin/lockstep jobs changes sync_1 --result failed --data /srv/data',
  );
});

function differenceOf(secret: 'given' | 'removed'): string {
  const fields = [{ field: 'password', secret }];
  return renderDifference([{ action: 'update', resource: 'connection', name: 'corp', fields }]);
}

test('a secret that a configuration gives or takes away is named, and nothing of it shown', () => {
  expect(differenceOf('given')).toBe('~ update connection corp\n    password: (secret)');
  expect(differenceOf('removed')).toBe('~ update connection corp\n    password: (secret) -> (none)');
});

test('ordered statistics have all kinds and operations in the fixed order', () => {
  const ordered = orderStatistics({} as never);
  expect(Object.keys(ordered)).toEqual(['user', 'organizationalUnit', 'group', 'membership']);
  expect(Object.keys(ordered.membership)).toEqual([
    'created',
    'updated',
    'binded',
    'deleted',
    'same',
    'pushed',
    'exported',
  ]);
});

test('an error shows message, position, field, remedy and code, and no stack', () => {
  const error = new LockstepError('InvalidConfiguration', 'No such connection.', {
    field: 'syncs.in.connection',
    remedy: 'Name one of: corp.',
    position: { file: 'lockstep.yaml', line: 4, column: 10 },
  });
  expect(renderError(error)).toBe(
    [
      'error: No such connection.',
      '  at:     lockstep.yaml:4:10',
      '  field:  syncs.in.connection',
      '  remedy: Name one of: corp.',
      '  code:   InvalidConfiguration',
    ].join('\n'),
  );
});

test('an error of the file system names the path and is no defect', () => {
  const denied = Object.assign(new Error("EACCES: permission denied, mkdir '/srv/data'"), {
    code: 'EACCES',
    syscall: 'mkdir',
    path: '/srv/data',
  });
  expect(renderError(denied)).toMatch(
    /^error: \/srv\/data cannot be used: permission denied \(EACCES\)\.\n {2}remedy: /,
  );
  const gone = Object.assign(new Error('ENOENT: no such file or directory, uv_cwd'), {
    code: 'ENOENT',
    syscall: 'uv_cwd',
  });
  expect(renderError(gone)).toMatch(/^error: The folder that this command runs in cannot be used: /);
  expect(renderError(Object.assign(new Error('EMFILE'), { code: 'EMFILE', path: '/x' }))).toContain(
    'ulimit -n',
  );
  expect(renderError(new Error('boom'))).toContain('defect');
});

test.each([
  [9.4, '9 s'],
  [61, '1 min 1 s'],
  [7300, '2 h 1 min'],
])('%d seconds are %s', (seconds, text) => {
  expect(renderDuration(seconds)).toBe(text);
});

const applying = { phase: 'apply', read: 10, applied: 5, total: 20, rate: 2.4, remainingSeconds: 6 } as const;

test('progress names rate and remaining time', () => {
  expect(renderProgress('in', applying)).toBe('in: applying 5 of 20 (2/s, 6 s left)');
});

test('progress says what was read and what was found, and nothing before the first object', () => {
  const start = { phase: 'read', read: 0, applied: 0, total: 0, rate: 0, remainingSeconds: null } as const;
  expect(renderProgress('in', start)).toBe('in: reading');
  expect(renderProgress('in', { ...start, read: 12_000, rate: 2400 })).toBe('in: reading 12,000 (2,400/s)');
  const planning = { ...start, phase: 'plan', read: 12_000 } as const;
  expect(renderProgress('in', planning)).toBe('in: planning, 12,000 read');
  expect(renderProgress('in', { ...planning, total: 2000 })).toBe(
    'in: planning, 12,000 read, 2,000 changes so far',
  );
});

test('plain progress writes a line for each phase, and for a long one every few seconds', () => {
  let now = 0;
  const written: string[] = [];
  const reporter = new ProgressReporter({ write: (text) => written.push(text) }, () => now);
  reporter.update('in', { ...applying, phase: 'read' });
  reporter.update('in', { ...applying, phase: 'read' });
  reporter.update('in', applying);
  now = 6000;
  reporter.update('in', applying);
  expect(written).toHaveLength(3);
  expect(written.join('')).not.toContain('\u001b');
});

test('a terminal gets one line that is written over, no wider than the terminal', () => {
  const written: string[] = [];
  const stream = { write: (text: string) => written.push(text), isTTY: true, columns: 30 };
  const reporter = new ProgressReporter(stream, undefined, 'xterm');
  reporter.update('in', applying);
  expect(written[0]?.startsWith('\r\u001b[K[#####----')).toBe(true);
  expect(written[0]?.length).toBeLessThan(35);
  reporter.line('done');
  expect(written.at(-1)).toBe('done\n');
});

test('a terminal that does not know its size gets the whole line', () => {
  const written: string[] = [];
  const stream = { write: (text: string) => written.push(text), isTTY: true, columns: 0 };
  const reporter = new ProgressReporter(stream, undefined, 'xterm');
  reporter.update('in', { ...applying, phase: 'read' });
  expect(written).toEqual(['\r\u001b[Kin: reading 10 (2/s)']);
});

test('a terminal that cannot write over a line gets plain ones', () => {
  const written: string[] = [];
  const stream = { write: (text: string) => written.push(text), isTTY: true, columns: 80 };
  const reporter = new ProgressReporter(stream, undefined, 'dumb');
  reporter.update('in', { ...applying, phase: 'read' });
  reporter.line('done');
  expect(written).toEqual(['in: reading 10 (2/s)\n', 'done\n']);
});

test('server-sent events are parsed across chunks, comments skipped', async () => {
  const text =
    ': hello\n\nid: 1\nevent: status\ndata: {"status":"running"}\n\nid: 2\nevent: status\ndata: {"status":"held"}\n\n';
  async function* chunks() {
    for (const byte of Buffer.from(text)) yield Uint8Array.of(byte);
  }
  const events: unknown[] = [];
  for await (const event of parseEvents(chunks())) events.push(event);
  expect(events).toEqual([
    { id: '1', event: 'status', data: { status: 'running' } },
    { id: '2', event: 'status', data: { status: 'held' } },
  ]);
});
