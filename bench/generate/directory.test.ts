import { expect, test } from 'vitest';
import { LineFramer } from '../../server/src/connectors/file/line-framer.ts';
import { LdifParser } from '../../server/src/connectors/file/ldif/record.ts';
import type { ParsedRecord } from '../../server/src/connectors/file/record.ts';
import { generateDirectory, type DirectoryOptions } from './directory.ts';

function text(options: DirectoryOptions): string {
  return [...generateDirectory(options)].join('');
}

function parse(ldif: string): ParsedRecord[] {
  const framer = new LineFramer('blankLine', { maxLineBytes: 100_000, maxRecordBytes: 10_000_000 });
  const parser = new LdifParser({});
  return [...framer.push(Buffer.from(ldif)), ...framer.end()].flatMap((raw) => parser.parse(raw) ?? []);
}

test('equal options give equal bytes, another seed others', () => {
  expect(text({ users: 300 })).toBe(text({ users: 300 }));
  expect(text({ users: 300, seed: 2 })).not.toBe(text({ users: 300 }));
});

test('holds as many of each kind as asked for, all distinct, all parents and members there', () => {
  const records = parse(text({ users: 1000, groups: 40 }));
  const count = (kind: string): number => records.filter((record) => record.kind === kind).length;
  expect([count('user'), count('group')]).toEqual([1000, 40]);
  const seen = new Set<string>();
  for (const record of records) {
    expect(seen.has(record.reference)).toBe(false);
    seen.add(record.reference);
    if (record.kind !== 'other') expect(seen).toContain(record.parent.toLowerCase());
  }
  const groups = records.filter((record) => record.kind === 'group');
  for (const group of groups) {
    const members = group.members().map((member) => member.reference);
    expect(new Set(members).size).toBe(members.length);
    expect(members.filter((member) => !seen.has(member))).toEqual([]);
  }
  expect(groups[0]?.members()).toHaveLength(100);
  const [user] = records.filter((record) => record.kind === 'user');
  expect(Object.keys(user?.attributes() ?? {}).length).toBeGreaterThanOrEqual(19);
  expect(user?.raw.bytes.length).toBeGreaterThan(700);
});

test('changes the given part of the users and nothing else', () => {
  const before = parse(text({ users: 2000 }));
  const after = parse(text({ users: 2000, changePercent: 10 }));
  const changed = after.filter(
    (record, index) => !record.raw.bytes.equals(before[index]?.raw.bytes ?? Buffer.of()),
  );
  expect(changed.every((record) => record.kind === 'user')).toBe(true);
  expect(changed.length).toBeGreaterThan(140);
  expect(changed.length).toBeLessThan(260);
});
