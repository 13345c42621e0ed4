import * as fc from 'fast-check';
import { filter as compileOracle, parse as parseOracle } from 'scim2-parse-filter';
import { describe, expect, test } from 'vitest';
import { scimProfiles } from '../profile.ts';
import { createSchemaRegistry, getResourceModel } from '../schema/registry.ts';
import { matchesFilter } from './matches.ts';
import { parseFilter } from './parse.ts';
import { resolveFilter } from './resolve.ts';

// Where the oracle follows the RFC: attributes that are caseExact, or text in one case; sub-attributes written out;
// and no `and` in brackets, which it lets two different values fulfil together.
const model = getResourceModel(createSchemaRegistry(), 'User');
const word = fc.constantFrom('a', 'b', 'ab', 'ba');
const comparison = fc
  .tuple(
    fc.constantFrom('userName', 'externalId', 'name.familyName', 'title'),
    fc.constantFrom('eq', 'co', 'sw', 'ew'),
    word,
  )
  .map(([name, operator, value]) => `${name} ${operator} "${value}"`);
const inBrackets = fc
  .tuple(fc.constantFrom('type', 'value'), fc.constantFrom('eq', 'co', 'sw'), word)
  .map(([name, operator, value]) => `${name} ${operator} "${value}"`);
const leaf = fc.oneof(
  comparison,
  fc.constantFrom('title pr', 'active eq true', 'active eq false', 'name.familyName pr'),
  fc.tuple(inBrackets, inBrackets).map(([a, b]) => `emails[${a} or ${b}]`),
);
const text = fc.letrec<{ text: string }>((tie) => ({
  text: fc.oneof(
    { maxDepth: 3 },
    leaf,
    fc.tuple(tie('text'), fc.constantFrom('and', 'or'), tie('text')).map(([a, op, b]) => `${a} ${op} ${b}`),
    tie('text').map((each) => `(${each})`),
    tie('text').map((each) => `not (${each})`),
  ),
})).text;
const resource = fc.record(
  {
    userName: word,
    externalId: word,
    title: word,
    active: fc.boolean(),
    name: fc.record({ familyName: word }),
    emails: fc.array(fc.record({ type: word, value: word }), { minLength: 1 }),
  },
  { requiredKeys: ['userName', 'active'] },
);

describe('beside scim2-parse-filter', () => {
  test('the same filters match the same resources', () => {
    fc.assert(
      fc.property(text, resource, (filter, user) => {
        const own = matchesFilter(
          resolveFilter(parseFilter(filter), model, { profile: scimProfiles.strict }),
          user,
        );
        expect(own, filter).toBe(compileOracle(parseOracle(filter))(user));
      }),
      { numRuns: 500 },
    );
  });
});
