import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { openIdleApplication } from '../../../../test/servers/application.ts';
import { makePush } from '../../../../test/servers/scim-push.ts';
import { describeOnSharedStores } from '../../../../test/servers/shared-store.ts';
import { LockstepError } from '../../kernel/errors.ts';
import { compareOperators, type AttributePath, type Filter } from '../../scim/filter/ast.ts';
import { matchesFilter } from '../../scim/filter/matches.ts';
import { parseFilter } from '../../scim/filter/parse.ts';
import { resolveFilter } from '../../scim/filter/resolve.ts';
import type { ResolvedFilter } from '../../scim/filter/resolved.ts';
import { getScimProfile } from '../../scim/profile.ts';
import type { ScimResource } from '../../scim/resource.ts';
import { attribute, complex } from '../../scim/schema/attribute.ts';
import { normalizeResource } from '../../scim/schema/normalize.ts';
import { createSchemaRegistry, extendRegistry } from '../../scim/schema/registry.ts';
import { enterpriseUserUrn } from '../../scim/urns.ts';
import { writeScimRecords } from '../../store/queries/scim-writes.ts';
import { countScimRecords, selectScimRecords } from '../../store/queries/scim-list.ts';
import { contentOf } from './content.ts';
import { kindOfType, modelOf, type Push, type ScimTypeName } from './push.ts';
import { showResource } from './resource-view.ts';

const customUrn = 'urn:example:custom:User';
const registry = extendRegistry(createSchemaRegistry(), 'User', {
  id: customUrn,
  name: 'Custom',
  description: '',
  attributes: [
    attribute('hiredAt', 'dateTime', ''),
    attribute('height', 'decimal', ''),
    attribute('floor', 'integer', ''),
    attribute('vip', 'boolean', ''),
    attribute('badge', 'string', '', { caseExact: true }),
    attribute('tags', 'string', '', { multiValued: true }),
    attribute('scores', 'integer', '', { multiValued: true }),
    complex('locker', '', [attribute('room', 'string', ''), attribute('size', 'integer', '')]),
  ],
});

const words = [
  '',
  'a',
  'B',
  'b',
  'ab',
  'Straße',
  'ÄÖ',
  'äö',
  'work',
  'Home',
  "o'brien",
  '100%',
  'x_y',
  '"q"',
  '\\',
  '𝒳y',
];
const times = [
  '2020-01-01T00:00:00Z',
  '2020-01-01T01:00:00+01:00',
  '2021-05-05T05:05:05.123Z',
  '2021-05-05T05:05:05',
];
const numbers = [-1, 0, 1, 1.5, 2, 1e20];
const word = fc.constantFrom(...words);
/** Filters may ask for what no value can be. */
const asked = fc.constantFrom(...words, 'a\u0000', '\u0000');
const some = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
const listed = fc
  .array(fc.record({ value: word, type: some(word), display: some(word) }), { maxLength: 3 })
  .map((values) => values.map((value, at) => (at === 1 ? { ...value, primary: true } : value)));

const userBody = fc.record({
  externalId: some(word),
  displayName: some(word),
  nickName: some(word),
  active: some(fc.boolean()),
  name: some(fc.record({ givenName: some(word), familyName: some(word) })),
  emails: some(listed),
  phoneNumbers: some(listed),
  [enterpriseUserUrn]: some(
    fc.record({ department: some(word), manager: some(fc.record({ value: word, displayName: some(word) })) }),
  ),
  [customUrn]: some(
    fc.record({
      hiredAt: some(fc.constantFrom(...times)),
      height: some(fc.constantFrom(...numbers)),
      floor: some(fc.constantFrom(-1, 0, 1, 2)),
      vip: some(fc.boolean()),
      badge: some(word),
      tags: some(fc.array(word, { maxLength: 3 })),
      scores: some(fc.array(fc.constantFrom(-1, 0, 2), { maxLength: 3 })),
      locker: some(fc.record({ room: some(word), size: some(fc.constantFrom(0, 1)) })),
    }),
  ),
});

const names: Readonly<Record<ScimTypeName, readonly string[]>> = {
  User: [
    'id',
    'externalId',
    'userName',
    'USERNAME',
    'displayName',
    'nickName',
    'active',
    'name',
    'name.givenName',
    'emails',
    'emails.value',
    'emails.type',
    'emails.primary',
    'phoneNumbers.display',
    'groups',
    'groups.display',
    'groups.type',
    'groups.$ref',
    'meta',
    'meta.created',
    'meta.lastModified',
    'meta.resourceType',
    'meta.location',
    'meta.version',
    'schemas',
    'title',
    'nowhere',
    `${enterpriseUserUrn}:department`,
    `${enterpriseUserUrn}:manager`,
    `${enterpriseUserUrn}:manager.value`,
    ...[
      'hiredAt',
      'height',
      'floor',
      'vip',
      'badge',
      'tags',
      'scores',
      'locker',
      'locker.room',
      'locker.size',
    ].map((name) => `${customUrn}:${name}`),
  ],
  Group: [
    'id',
    'displayName',
    'externalId',
    'members',
    'members.value',
    'members.type',
    'members.display',
    'members.$ref',
    'meta.created',
    'schemas',
    'nowhere',
  ],
};
const inner = [
  'value',
  'type',
  'primary',
  'display',
  '$ref',
  'room',
  'size',
  'familyName',
  'created',
  'version',
];

function attributePath(text: string): AttributePath {
  const filter = parseFilter(`${text} pr`);
  if (filter.kind !== 'present') throw new Error(`${text} is no path`);
  return filter.path;
}

const combined = (part: fc.Arbitrary<Filter>): fc.Arbitrary<Filter> =>
  fc.oneof(
    fc.record({
      kind: fc.constantFrom('and' as const, 'or' as const),
      operands: fc.array(part, { minLength: 2, maxLength: 3 }),
    }),
    fc.record({ kind: fc.constant('not' as const), operand: part }),
  );

function filters(type: ScimTypeName, ids: readonly string[]): fc.Arbitrary<Filter> {
  const value = fc.oneof(
    { weight: 4, arbitrary: asked },
    {
      weight: 1,
      arbitrary: fc.constantFrom(...times, ...ids.slice(0, 8), 'User', 'Group', 'direct', 'W/"1"'),
    },
    {
      weight: 1,
      arbitrary: fc.constantFrom<string | number | boolean | null>(true, false, null, ...numbers),
    },
  );
  const operator = fc.constantFrom(...compareOperators);
  const leaf = (paths: readonly string[]): fc.Arbitrary<Filter> => {
    const path = fc.constantFrom(...paths).map(attributePath);
    return fc.oneof(
      { weight: 5, arbitrary: fc.record({ kind: fc.constant('compare' as const), path, operator, value }) },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant('present' as const), path }) },
    );
  };
  const innerFilter = fc.oneof({ weight: 2, arbitrary: leaf(inner) }, combined(leaf(inner)));
  const valuePath: fc.Arbitrary<Filter> = fc.record({
    kind: fc.constant('valuePath' as const),
    path: fc
      .constantFrom(...names[type].filter((name) => !/\.\w+$|\.\$/.test(name.replace('2.0', ''))))
      .map(attributePath),
    filter: innerFilter,
  });
  const simple = fc.oneof({ weight: 4, arbitrary: leaf(names[type]) }, { weight: 1, arbitrary: valuePath });
  return fc.oneof({ weight: 2, arbitrary: simple }, combined(fc.oneof(simple, combined(simple))));
}

/** undefined for a filter that the schema does not allow: those are refused before there is SQL. */
function resolved(filter: Filter, push: Push, type: ScimTypeName): ResolvedFilter | undefined {
  try {
    return resolveFilter(filter, modelOf(push, type), {
      profile: push.connection.profile,
      unknown: 'absent',
    });
  } catch (error) {
    if (error instanceof LockstepError && error.code === 'InvalidFilter') return undefined;
    throw error;
  }
}

async function insert(push: Push, type: ScimTypeName, id: string, body: object, members: readonly string[]) {
  const model = modelOf(push, type);
  const { resource } = normalizeResource(
    JSON.parse(JSON.stringify({ ...body, schemas: [model.core.id] })),
    model,
    { profile: getScimProfile('lenient') },
  );
  const at = new Date('2022-02-02T02:02:02.020Z');
  const content = contentOf(resource, model);
  const write = { kind: kindOfType[type], id, expectedRevision: 0, changes: 1, content, at };
  await writeScimRecords(push.app.store.db, push.connection.serial, [
    { ...write, members: { added: members, removed: [] } },
  ]);
}

/** 40 users and 6 groups that hold some of them, and one another. */
async function fill(push: Push): Promise<void> {
  const bodies = fc.sample(userBody, { numRuns: 40, seed: 7 });
  for (const [at, body] of bodies.entries()) {
    await insert(push, 'User', `u${at}`, { ...body, userName: `${words[at % words.length]}${at}` }, []);
  }
  for (let at = 0; at < 6; at += 1) {
    const members = bodies.flatMap((_, user) => (user % 6 < at ? [`u${user}`] : []));
    await insert(
      push,
      'Group',
      `g${at}`,
      { displayName: words[at + 1] },
      at > 3 ? [...members, 'g1'] : members,
    );
  }
}

async function shownResources(push: Push, type: ScimTypeName): Promise<ScimResource[]> {
  const { db } = push.app.store;
  const { serial } = push.connection;
  const scope = { connectionSerial: serial, kind: kindOfType[type], baseUrl: push.baseUrl };
  const records = await selectScimRecords(
    db,
    { scope, filter: undefined, sort: undefined },
    { offset: 0, limit: 100 },
    true,
  );
  return records.map((record) => showResource(push, type, record).resource);
}

describeOnSharedStores('filters in SQL', (makeStore) => {
  test.each(['User', 'Group'] as const)('find of %s what the evaluator finds', async (type) => {
    const push = { ...(await makePush(await openIdleApplication(await makeStore()))), registry };
    await fill(push);
    const resources = await shownResources(push, type);
    expect(resources).toHaveLength(type === 'User' ? 40 : 6);
    const scope = { connectionSerial: push.connection.serial, kind: kindOfType[type], baseUrl: push.baseUrl };
    const ids = resources.map(({ id }) => id as string);
    let [compared, some, all] = [0, 0, 0];
    await fc.assert(
      fc.asyncProperty(filters(type, ids), async (written) => {
        const filter = resolved(written, push, type);
        if (filter === undefined) return;
        const listing = { scope, filter, sort: undefined };
        const expected = resources.filter((resource) => matchesFilter(filter, resource)).map(({ id }) => id);
        const rows = await selectScimRecords(push.app.store.db, listing, { offset: 0, limit: 100 }, false);
        expect(rows.map(({ id }) => id)).toEqual(expected);
        compared += 1;
        if (expected.length > 0) some += 1;
        if (expected.length === resources.length) all += 1;
        if (compared % 20 === 0)
          expect(await countScimRecords(push.app.store.db, listing)).toBe(expected.length);
      }),
      { numRuns: 700 },
    );
    // Filters that match nothing, or everything, show little.
    expect(compared).toBeGreaterThan(200);
    expect(some - all).toBeGreaterThan(compared / 10);
  });
});
