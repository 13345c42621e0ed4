import { expect, test } from 'vitest';
import { median, perSecond, renderTable } from './table.ts';

test('a target that is missed says so, a hair above or below', () => {
  const line = { what: 'w', ours: 'o', yardstick: 'y' };
  const verdicts = (ratio: number, sense: 'atLeast' | 'atMost') =>
    renderTable([{ ...line, ratio, target: { limit: 2, sense } }]).includes('**not met**');
  expect([verdicts(2, 'atMost'), verdicts(2.001, 'atMost')]).toEqual([false, true]);
  expect([verdicts(2, 'atLeast'), verdicts(1.999, 'atLeast')]).toEqual([false, true]);
});

test('what was not measured is neither met nor not met', () => {
  expect(renderTable([{ what: 'w', ours: 'o', yardstick: 'y' }])).not.toContain('met');
  expect(
    renderTable([{ what: 'w', ours: 'o', yardstick: 'y', target: { limit: 1, sense: 'atMost' } }]),
  ).not.toContain('met');
});

test('the median of an even number lies between the two in the middle', () => {
  expect(median([9, 1, 5])).toBe(5);
  expect(median([4, 1, 2, 100])).toBe(3);
  expect(() => median([])).toThrow();
});

test('a rate that is not quite nothing is not written as nothing', () => {
  expect([perSecond(0.4), perSecond(1), perSecond(1234.5)]).toEqual(['< 1/s', '1/s', '1,235/s']);
});
