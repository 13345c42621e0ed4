import { expect, test } from 'vitest';
import { EiamError } from './errors.ts';
import type { Fields } from './parameter-schema.ts';
import { readParameters } from './parameters.ts';

const fields = {
  Name: { type: 'string', required: true, maxLength: 10 },
  Note: { type: 'string' },
  Mode: { type: 'string', values: ['a', 'b'] },
  Count: { type: 'integer', minimum: 1, maximum: 100 },
  Time: { type: 'long', minimum: 0 },
  Flag: { type: 'boolean' },
  Ids: { type: 'array', items: { type: 'string' }, maxItems: 3 },
  Config: {
    type: 'object',
    fields: { Port: { type: 'integer' }, Names: { type: 'array', items: { type: 'string' } } },
  },
  Scopes: {
    type: 'array',
    items: {
      type: 'object',
      fields: {
        Target: { type: 'string', required: true },
        Sources: { type: 'array', items: { type: 'string' } },
      },
    },
  },
} as const satisfies Fields;

function read(parameters: Readonly<Record<string, string>>): unknown {
  try {
    return readParameters(fields, new Map(Object.entries({ Name: 'n', ...parameters })));
  } catch (error) {
    if (error instanceof EiamError) return error.code;
    throw error;
  }
}

test.each([
  [{}, {}],
  [{ Note: '', Mode: '', Count: '', Flag: '' }, { Note: '' }],
  [
    { Count: '7', Time: '1700000000000', Flag: 'TRUE' },
    { Count: 7, Time: 1_700_000_000_000, Flag: true },
  ],
  [{ 'Ids.1': 'x', 'Ids.3': 'z', 'Ids.10': 'w' }, { Ids: ['x', 'z', 'w'] }],
  [{ Ids: '["x","y"]' }, { Ids: ['x', 'y'] }],
  [{ 'Config.Port': '389', 'Config.Names.2': 'a' }, { Config: { Port: 389, Names: ['a'] } }],
  [{ Config: '{"Port":389,"Names":["a",null],"Other":{}}' }, { Config: { Port: 389, Names: ['a'] } }],
  [{ 'Scopes.1.Target': 't', 'Scopes.1.Sources.1': 's' }, { Scopes: [{ Target: 't', Sources: ['s'] }] }],
  [{ Scopes: '[{"Target":"t"}]' }, { Scopes: [{ Target: 't' }] }],
  [{ Unknown: 'x', 'Unknown.1.2': 'y', __proto__x: 'z', 'a.b.c.d.e.f.g.h.i.j': '1' }, {}],
])('%j is read', (parameters, expected) => {
  expect(read(parameters)).toEqual({ Name: 'n', ...expected });
});

test.each([
  [{ Name: '' }, 'MissingParameter.Name'],
  [{ Name: 'n'.repeat(11) }, 'InvalidParameter.Name'],
  [{ 'Name.1': 'x' }, 'InvalidParameter.Name'],
  [{ Mode: 'c' }, 'InvalidParameter.Mode'],
  [{ Count: '0' }, 'InvalidParameter.Count'],
  [{ Count: '101' }, 'InvalidParameter.Count'],
  [{ Count: '1.5' }, 'InvalidParameter.Count'],
  [{ Count: '0x10' }, 'InvalidParameter.Count'],
  [{ Count: 'NaN' }, 'InvalidParameter.Count'],
  [{ Time: '9007199254740993' }, 'InvalidParameter.Time'],
  [{ Time: '1'.repeat(400) }, 'InvalidParameter.Time'],
  [{ Flag: '1' }, 'InvalidParameter.Flag'],
  [{ Ids: 'x' }, 'InvalidParameter.Ids'],
  [{ Ids: '{}' }, 'InvalidParameter.Ids'],
  [{ Ids: '[{}', 'Ids.1': 'x' }, 'InvalidParameter.Ids'],
  [{ 'Ids.0': 'x' }, 'InvalidParameter.Ids'],
  [{ 'Ids.x': 'x' }, 'InvalidParameter.Ids'],
  [{ 'Ids.-1': 'x' }, 'InvalidParameter.Ids'],
  [{ Ids: '["1","2","3","4"]' }, 'InvalidParameter.Ids'],
  [{ Ids: '["\\u0000"]' }, 'InvalidParameter.Ids'],
  [{ Config: '[object Object]' }, 'InvalidParameter.Config'],
  [{ Config: '[]' }, 'InvalidParameter.Config'],
  [{ Config: 'null' }, 'InvalidParameter.Config'],
  [{ Config: `{"Names":${'['.repeat(5000)}${']'.repeat(5000)}}` }, 'InvalidParameter.Config'],
  [{ 'Config.Port': 'x' }, 'InvalidParameter.Config.Port'],
  [{ 'Scopes.1.Sources.1': 's' }, 'MissingParameter.Scopes.1.Target'],
])('%j is refused with %s', (parameters, code) => {
  expect(read(parameters)).toBe(code);
});
