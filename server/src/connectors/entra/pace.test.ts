import { expect, test } from 'vitest';
import { BucketPace } from '../../http-client/pace.ts';
import { heed, quotas, sharedPace, writeCost } from './pace.ts';

test('a hundred thousand accounts take as long as the quota of writes demands', () => {
  const seconds = new BucketPace(quotas).secondsFor(writeCost(100_000));
  expect(seconds).toBeGreaterThan((100_000 * 150) / 3000 - 150);
  expect(seconds).toBeLessThan(((100_000 * 150) / 3000) * 1.2);
});

test('connections to one application in one tenant share a pace', () => {
  expect(sharedPace('T1', 'c1')).toBe(sharedPace('t1', 'C1'));
  expect(sharedPace('t1', 'c1')).not.toBe(sharedPace('t2', 'c1'));
});

test('a quota that runs out slows requests down', () => {
  const told: number[] = [];
  const pace = {
    take: () => Promise.resolve(),
    penalty: (seconds: number) => void told.push(seconds),
    secondsFor: () => 0,
  };
  heed(pace, {});
  heed(pace, { 'x-ms-throttle-limit-percentage': '0.7' });
  heed(pace, { 'x-ms-throttle-limit-percentage': '1.3' });
  expect(told).toEqual([5]);
});
