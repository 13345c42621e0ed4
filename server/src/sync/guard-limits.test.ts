import { describe, expect, it } from 'vitest';
import { guardSchema } from '@lockstep/contract/configuration.ts';
import { defaultLimits, resolveGuard } from './guard-limits.ts';

describe('limits of the guard', () => {
  it('are the defaults where nothing is configured', () => {
    expect(resolveGuard(undefined)).toEqual({ ...defaultLimits, hold: 'destructive' });
    expect(resolveGuard(guardSchema.parse({}))).toEqual(resolveGuard(undefined));
  });

  it('are exactly those named for a kind that is named, and the defaults for the others', () => {
    const guard = resolveGuard(
      guardSchema.parse({
        user: { count: 100, percent: 10, floor: 7 },
        membership: { percent: 20 },
        group: { count: 0 },
        hold: 'all',
      }),
    );
    expect(guard.user).toEqual({ count: 100, percent: 10, floor: 7 });
    expect(guard.membership).toEqual({ count: null, percent: 20, floor: 5 });
    expect(guard.group).toEqual({ count: 0, percent: null, floor: 5 });
    expect(guard.organizationalUnit).toEqual(defaultLimits.organizationalUnit);
    expect(guard.blanked).toEqual(defaultLimits.blanked);
    expect(guard.hold).toBe('all');
  });

  it('have no limit for a kind that is named without one', () => {
    expect(resolveGuard(guardSchema.parse({ user: {} })).user).toMatchObject({ count: null, percent: null });
    expect(resolveGuard(guardSchema.parse({ blanked: {} })).blanked).toMatchObject({
      count: null,
      percent: null,
    });
  });

  it('refuse a floor that softens nothing', () => {
    expect(guardSchema.safeParse({ user: { floor: 3 } }).success).toBe(false);
    expect(guardSchema.safeParse({ user: { floor: 3, percent: 5 } }).success).toBe(true);
  });
});
