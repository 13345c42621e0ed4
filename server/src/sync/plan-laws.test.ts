import {
  array,
  assert,
  boolean,
  constantFrom,
  dictionary,
  integer,
  nat,
  oneof,
  option,
  property,
  record,
  shuffledSubarray,
  string,
  tuple,
  uint8Array,
  uniqueArray,
} from 'fast-check';
import type { Arbitrary } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { emptyStatistics } from '@lockstep/contract/job.ts';
import { kinds, operationOfVerb, operations } from '@lockstep/contract/vocabulary.ts';
import { attributesFromJson, sameValues, valueKey } from '../directory/attributes.ts';
import type { Attributes, AttributeValue } from '../directory/attributes.ts';
import { mergeContributions } from './contributions.ts';
import { diffImages } from './diff.ts';
import { evaluateGuard } from './guard.ts';
import type { GuardCount } from './guard.ts';
import { resolveGuard } from './guard-limits.ts';
import { readPseudoAttributes, withoutPseudoAttributes } from './image.ts';
import type { Image } from './image.ts';
import { jobStatus } from './job-status.ts';
import { planObject } from './plan-object.ts';
import type { ObjectCandidate, Tie } from './plan-object.ts';
import type { PlannedChange } from './planned-change.ts';

const law = { numRuns: 500 } as const;

const names = ['mail', 'title', 'phoneNumber', 'photo', 'manager'] as const;
/** Few values, so that two images often agree in part. */
const value: Arbitrary<AttributeValue> = oneof(
  constantFrom('a', 'b', 'ü', ' a', ''),
  string({ maxLength: 3 }),
  uint8Array({ minLength: 1, maxLength: 3 }),
);
const values = uniqueArray(value, { selector: valueKey, minLength: 1, maxLength: 3 });
const attributes: Arbitrary<Attributes> = dictionary(constantFrom(...names), values, { maxKeys: 4 });
const image: Arbitrary<Image> = record({
  parent: option(constantFrom('ou_1', 'ou_2'), { nil: null }),
  name: constantFrom('ann', 'bob', 'Bob'),
  enabled: option(boolean(), { nil: null }),
  attributes,
});
const managed = shuffledSubarray([...names]);
const sameName = (left: string, right: string): boolean => left === right;

const tie: Arbitrary<Tie> = constantFrom({ by: 'link' }, { by: 'match', rule: 'mail' });

function candidate(desired: Image, existing: Image | null, by: Tie): ObjectCandidate {
  return {
    kind: 'user',
    label: desired.name,
    objectId: 'user_1',
    externalId: 'x-1',
    tie: by,
    desired,
    existing,
    revision: 1,
    link: { reference: null, alias: null, location: null, scope: 0, fingerprint: 'f'.repeat(32) },
  };
}

/** What a side holds once a change is written to it, as its images say. */
function written(before: Image, recorded: PlannedChange['after']): Image {
  if (!recorded) return before;
  const { parent, name, enabled } = readPseudoAttributes(recorded);
  const changed = attributesFromJson(withoutPseudoAttributes(recorded));
  const merged = { ...before.attributes, ...changed };
  return {
    parent: parent === undefined ? before.parent : parent,
    name: name ?? before.name,
    enabled: enabled ?? before.enabled,
    attributes: Object.fromEntries(Object.entries(merged).filter(([, list]) => list.length > 0)),
  };
}

function expectSame(left: Image, right: Image, compared: readonly string[]): void {
  expect([left.parent, left.name]).toEqual([right.parent, right.name]);
  for (const name of compared)
    expect(sameValues(left.attributes[name], right.attributes[name]), name).toBe(true);
}

describe('laws of planning one object', () => {
  it('what is as it shall be asks for nothing, in whatever order its values come', () => {
    assert(
      property(image, managed, (existing, manages) => {
        const turned = Object.fromEntries(
          Object.entries(existing.attributes)
            .map(([name, list]) => [name, list.toReversed()] as const)
            .reverse(),
        );
        const desired = { ...existing, attributes: turned };
        expect(
          planObject(candidate(desired, existing, { by: 'link' }), { managed: manages, sameName }),
        ).toEqual([]);
      }),
      law,
    );
  });

  it('the plan, written, gives what shall be, and leaves alone what is not managed', () => {
    assert(
      property(image, image, managed, tie, (existing, desired, manages, by) => {
        const options = { managed: manages, sameName };
        const plan = planObject(candidate(desired, existing, by), options);
        const result = plan.reduce((held, { after }) => written(held, after ?? null), existing);
        expectSame(result, desired, manages);
        expect(result.enabled ?? true).toBe(desired.enabled ?? existing.enabled ?? true);
        const others = names.filter((name) => !manages.includes(name));
        expectSame({ ...result, parent: null, name: '' }, { ...existing, parent: null, name: '' }, others);
        const again = candidate(desired, result, { by: 'link' });
        expect(planObject(again, options)).toEqual([]);
      }),
      law,
    );
  });

  it('the images before, written, undo it', () => {
    assert(
      property(image, image, managed, (existing, desired, manages) => {
        const difference = diffImages(desired, existing, { managed: manages, sameName });
        if (!difference) return;
        const undone = written(written(existing, difference.after), difference.before);
        expectSame(undone, existing, [...names]);
        expect(undone.enabled ?? true).toBe(existing.enabled ?? true);
      }),
      law,
    );
  });

  it('an object that is created is created whole', () => {
    assert(
      property(image, managed, (desired, manages) => {
        const [change, ...more] = planObject(candidate(desired, null, { by: 'nothing' }), {
          managed: manages,
          sameName,
        });
        expect(more).toEqual([]);
        expect(change).toMatchObject({ verb: 'create', parentId: desired.parent, before: null });
        const empty: Image = { parent: null, name: '', enabled: null, attributes: {} };
        const made = written(empty, change?.after ?? null);
        expectSame(made, desired, [...names]);
        expect(made.enabled).toBe(desired.enabled);
      }),
      law,
    );
  });

  it('an object counts once in each operation, and only its last change settles its link', () => {
    assert(
      property(image, image, managed, tie, (existing, desired, manages, by) => {
        const plan = planObject(candidate(desired, existing, by), { managed: manages, sameName });
        const counted = plan.map(({ verb }) => operationOfVerb[verb]);
        expect(new Set(counted).size).toBe(counted.length);
        expect(plan.slice(0, -1).every(({ link }) => link?.fingerprint === null)).toBe(true);
        if (plan.length > 0) expect(plan.at(-1)?.link?.fingerprint).not.toBeNull();
      }),
      law,
    );
  });

  it('a change blanks exactly the managed attributes that have values and shall have none', () => {
    assert(
      property(image, image, managed, (existing, desired, manages) => {
        const after = diffImages(desired, existing, { managed: manages, sameName })?.after ?? {};
        const blanked = Object.keys(after).filter((name) => after[name]?.length === 0);
        const lost = manages.filter((name) => existing.attributes[name] && !desired.attributes[name]);
        expect(blanked.sort()).toEqual(lost.sort());
      }),
      law,
    );
  });
});

const text = array(constantFrom('a', 'b', 'c'), { maxLength: 2 });
const contributions = uniqueArray(
  record({ syncSerial: nat(9), values: dictionary(constantFrom('mail', 'title'), text) }),
  { selector: ({ syncSerial }) => syncSerial, maxLength: 5 },
);

describe('laws of several syncs that feed one object', () => {
  it('the order in which they come does not matter', () => {
    assert(
      property(contributions, array(nat(9)), nat(), (given, order, turn) => {
        const merge = (list: typeof given, attributeNames: string[]) =>
          mergeContributions(list, attributeNames, () => order);
        const at = given.length === 0 ? 0 : turn % given.length;
        const turned = [...given.slice(at), ...given.slice(0, at)].reverse();
        expect(merge(turned, ['title', 'mail'])).toEqual(merge(given, ['mail', 'title']));
      }),
      law,
    );
  });

  it('the value of the loser takes over when the winner goes', () => {
    assert(
      property(contributions, (given) => {
        const order = given.map(({ syncSerial }) => syncSerial);
        const merge = (list: typeof given) => mergeContributions(list, ['mail'], () => order)['mail'];
        const winner = given.findIndex(({ values: said }) => (said['mail']?.length ?? 0) > 0);
        if (winner < 0) {
          expect(merge(given)).toBeUndefined();
          return;
        }
        expect(merge(given)).toEqual(given[winner]?.values['mail']);
        expect(merge(given.filter((_, index) => index !== winner))).toEqual(merge(given.slice(winner + 1)));
      }),
      law,
    );
  });
});

const count: Arbitrary<GuardCount> = record({
  removed: nat(50),
  blanked: nat(50),
  bound: nat(20),
  linked: nat(200),
}).map((counted) => ({ ...counted, attributes: [] }));
const counts = tuple(count, count, count, count).map(([organizationalUnit, user, group, membership]) => ({
  organizationalUnit,
  user,
  group,
  membership,
}));
const limit = record({ count: nat(40), percent: integer({ min: 0, max: 100 }), floor: nat(10) });

describe('laws of the guard', () => {
  it('who takes away less, or may take away more, is not held instead', () => {
    assert(
      property(counts, limit, nat(20), (planned, user, less) => {
        const tripped = (losses: typeof planned, limits: typeof user): boolean =>
          evaluateGuard(losses, resolveGuard({ user: limits, blanked: limits, hold: 'all' })).findings.some(
            ({ kind }) => kind === 'user',
          );
        if (tripped(planned, user)) return;
        const fewer = {
          ...planned.user,
          removed: Math.max(0, planned.user.removed - less),
          blanked: Math.max(0, planned.user.blanked - less),
        };
        expect(tripped({ ...planned, user: fewer }, user)).toBe(false);
        const wider = { count: user.count + less, percent: user.percent, floor: user.floor + less };
        expect(tripped(planned, wider)).toBe(false);
      }),
      law,
    );
  });

  it('a plan that takes nothing away is never held', () => {
    assert(
      property(counts, limit, (planned, each) => {
        const harmless = Object.fromEntries(
          kinds.map((kind) => [kind, { ...planned[kind], removed: 0, blanked: 0 }]),
        ) as typeof planned;
        const guard = resolveGuard({ user: each, group: each, blanked: each, hold: 'destructive' });
        expect(evaluateGuard(harmless, guard).tripped).toBe(false);
      }),
      law,
    );
  });
});

const outcomes = array(
  record({
    kind: constantFrom(...kinds),
    operation: constantFrom(...operations),
    result: constantFrom('success', 'failed', 'skipped'),
  }),
  { maxLength: 12 },
);

describe('laws of the status of a job', () => {
  it('success has no failure and no doubt about the read, failed has no success', () => {
    assert(
      property(outcomes, boolean(), (ended, incomplete) => {
        const statistics = emptyStatistics();
        for (const { kind, operation, result } of ended) {
          statistics[kind][operation][result] += 1;
          statistics[kind][operation].total += 1;
        }
        const status = jobStatus({
          dry: false,
          brokeOff: false,
          cancelled: false,
          held: false,
          incomplete,
          statistics,
        });
        const some = (wanted: string): boolean => ended.some(({ result }) => result === wanted);
        expect(status === 'success').toBe(!some('failed') && !incomplete);
        expect(status === 'failed').toBe(some('failed') && !some('success'));
      }),
      law,
    );
  });
});
