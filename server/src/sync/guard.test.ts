import { describe, expect, it } from 'vitest';
import { guardSchema } from '@lockstep/contract/configuration.ts';
import type { Kind } from '@lockstep/contract/vocabulary.ts';
import { evaluateGuard, noLoss } from './guard.ts';
import type { GuardCount } from './guard.ts';
import { resolveGuard } from './guard-limits.ts';

const nothing: GuardCount = { ...noLoss, linked: 100 };

function counts(users: Partial<GuardCount>): Record<Kind, GuardCount> {
  return {
    organizationalUnit: nothing,
    user: { ...nothing, ...users },
    group: nothing,
    membership: nothing,
  };
}

const defaults = resolveGuard(undefined);
const sentences = (users: Partial<GuardCount>): string[] =>
  evaluateGuard(counts(users), defaults).findings.map(({ sentence }) => sentence);

describe('the guard', () => {
  it('lets a plan pass that takes nothing away', () => {
    expect(evaluateGuard(counts({ linked: 0 }), defaults)).toEqual({
      tripped: false,
      hold: 'destructive',
      findings: [],
    });
  });

  it('says how many would go, and which limit that exceeds', () => {
    expect(sentences({ removed: 10 })).toEqual([]);
    expect(sentences({ removed: 11 })).toEqual([
      '11 of 100 linked objects of kind user would be deleted, disabled or removed (11.0 % is more than 10 %)',
    ]);
  });

  it('says how many would lose which attribute', () => {
    const attributes = [
      { attribute: 'mail', objects: 20 },
      { attribute: 'title', objects: 3 },
    ];
    expect(sentences({ blanked: 20, attributes })).toEqual([]);
    expect(sentences({ blanked: 21, attributes })).toEqual([
      '21 of 100 linked objects of kind user would lose all values of an attribute: mail of 20, title of 3 (21.0 % is more than 20 %)',
    ]);
  });

  it('names the attributes of most objects only', () => {
    const attributes = Array.from({ length: 7 }, (_, index) => ({
      attribute: `a${index}`,
      objects: 30 - index,
    }));
    expect(sentences({ blanked: 30, attributes })[0]).toContain('a4 of 26, 2 more (');
  });

  it('weighs what is blanked against what the plan binds as well', () => {
    expect(sentences({ linked: 0, bound: 100, blanked: 20 })).toEqual([]);
    expect(sentences({ linked: 0, bound: 100, blanked: 21 })).toHaveLength(1);
    expect(sentences({ linked: 0, bound: 0, blanked: 6 })).toHaveLength(1);
  });

  it('weighs what goes and what is blanked apart, each kind by itself', () => {
    expect(sentences({ removed: 10, blanked: 20 })).toEqual([]);
    const verdict = evaluateGuard(
      {
        ...counts({ removed: 50, blanked: 50 }),
        group: { ...nothing, blanked: 21 },
        organizationalUnit: { ...nothing, blanked: 20 },
      },
      resolveGuard(guardSchema.parse({ user: {}, hold: 'all' })),
    );
    expect(verdict).toMatchObject({ tripped: true, hold: 'all' });
    expect(verdict.findings.map(({ kind, loss, destructive }) => [kind, loss, destructive])).toEqual([
      ['user', 'blanked', 50],
      ['group', 'blanked', 21],
    ]);
  });
});
