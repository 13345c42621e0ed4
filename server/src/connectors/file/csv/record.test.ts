import { expect, test } from 'vitest';
import * as fc from 'fast-check';
import type { ParsedRecord } from '../record.ts';
import { renderCell } from './cells.ts';
import { CsvFramer } from './framer.ts';
import { CsvParser } from './record.ts';
import { csvWriter } from './render.ts';
import { parseValues, renderValues } from './values.ts';

const comma = { delimiter: ',', valueSeparator: '|' };

function parse(text: string, chunkSize = 5, dialect = comma): ParsedRecord[] {
  const bytes = Buffer.from(text);
  const framer = new CsvFramer({ maxRecordBytes: 10_000 });
  const parser = new CsvParser(dialect);
  const raws = [];
  for (let at = 0; at < bytes.length; at += chunkSize)
    raws.push(...framer.push(bytes.subarray(at, at + chunkSize)));
  raws.push(...framer.end());
  return raws.flatMap((raw) => parser.parse(raw) ?? []);
}

const header = 'kind,id,parent,name,enabled,members,mail,description\n';

test('reads cells quoted or not, several values, and bytes', () => {
  const [unit, jane, staff] = parse(`${header}organizationalUnit,o1,,Sales,,,,
user,u1,o1,jdoe,false,,a@example.com|b@example.com,"two
lines, ""quoted"""\r
group,g1,,staff,,u1|o\\|1,,base64:/9j/\n`);
  expect(unit).toMatchObject({ kind: 'organizationalUnit', parent: '', enabled: undefined });
  expect(jane).toMatchObject({ kind: 'user', externalId: 'u1', parent: 'o1', name: 'jdoe', enabled: false });
  expect(jane?.attributes()).toEqual({
    mail: ['a@example.com', 'b@example.com'],
    description: ['two\nlines, "quoted"'],
  });
  expect(staff?.members().map((member) => member.reference)).toEqual(['u1', 'o|1']);
  expect(staff?.attributes()).toEqual({ description: [Buffer.from([0xff, 0xd8, 0xff])] });
});

test('one attribute may stand over several columns', () => {
  const [jane] = parse('kind,id,name,mail,mail\nuser,1,jdoe,a@x,b@x\n');
  expect(jane?.attributes()).toEqual({ mail: ['a@x', 'b@x'] });
});

test('another delimiter and separator', () => {
  const [jane] = parse('kind;id;name;mail\nuser;1;jdoe;a@x,b@x\n', 3, {
    delimiter: ';',
    valueSeparator: ',',
  });
  expect(jane?.attributes()).toEqual({ mail: ['a@x', 'b@x'] });
});

test.each([
  ['a header without id', 'kind,name\nuser,x\n', "column 'id'"],
  ['an unknown kind', `${header}person,1,,x,,,,\n`, 'line 2, column 1'],
  ['a row that is short', `${header}user,1\n`, 'line 2'],
  ['an empty id', `${header}user,,,x,,,,\n`, 'line 2, column 6'],
  ['a wrong state', `${header}user,1,,x,maybe,,,\n`, 'line 2, column 11'],
  ['base64 cut off', `${header}user,1,,x,,,,base64:/9j\n`, 'line 2'],
  ['a quote that is not closed', `${header}user,1,,x,,,,"abc\n`, 'line 2'],
  ['text after a quote', `${header}user,1,,x,,,"a"b,\n`, 'line 2, column 16'],
  ['a last row without line break', `${header}user,1,,x,,,a@example.c`, 'line 2'],
])('refuses %s and says where', (_, text, where) => {
  expect(() => parse(text)).toThrow(where);
});

test('any texts survive rendering and parsing', () => {
  const text = fc.string({
    unit: fc.oneof(
      fc.constantFrom('|', '\\', ',', '"', '\n', '\r', ' '),
      fc.string({ unit: 'grapheme', maxLength: 1 }),
    ),
  });
  const value = fc.oneof(
    text,
    fc.constantFrom('base64:', 'base64:YQ==', ''),
    fc.constant(Buffer.from([0xff, 0])),
  );
  fc.assert(
    fc.property(fc.array(value, { minLength: 1, maxLength: 4 }), (values) => {
      const clean = values.filter((one) => typeof one !== 'string' || !one.includes('\0'));
      expect(parseValues('x', renderValues(clean, '|'), '|')).toEqual(clean);
      const cell = renderValues(clean, '|');
      const [record] = parse(`kind,id,name,x\nuser,1,n,${renderCell(cell, ',')}\n`, 3);
      expect(record?.attributes()['x'] ?? []).toEqual(clean);
    }),
    { numRuns: 500 },
  );
});

test('columns that the file had stay in their order', () => {
  expect(csvWriter(comma, ['name', 'id', 'kind', 'mail'], ['mail', 'title']).head).toBe(
    'name,id,kind,mail,parent,enabled,members,title\r\n',
  );
});

test('a column that every object answers to is empty where a record does not have it', () => {
  const writer = csvWriter(comma, [], ['constructor']);
  const record = { kind: 'user', externalId: '1', location: '1', parent: '', name: 'n', enabled: null };
  expect(writer.record({ ...record, attributes: {}, members: () => [] })).toBe('user,1,,n,,,\r\n');
});
