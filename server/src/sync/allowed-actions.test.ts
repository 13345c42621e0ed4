import { expect, test } from 'vitest';
import { isAllowed, restrain } from './allowed-actions.ts';
import { diffImages } from './diff.ts';
import type { Image } from './image.ts';

const existing: Image = {
  parent: 'a',
  name: 'jdoe',
  enabled: true,
  attributes: { mail: ['old'], foreign: ['x'] },
};
const desired: Image = { parent: 'b', name: 'jane', enabled: false, attributes: { mail: ['new'] } };
const options = { managed: ['mail'], sameName: (left: string, right: string) => left === right };

function difference(...verbs: readonly string[]) {
  const image = restrain(desired, existing, options.managed, (verb) => verbs.includes(verb));
  return diffImages(image, existing, options);
}

test('what is not named is allowed', () => {
  expect(isAllowed(undefined, 'user', 'delete')).toBe(true);
  expect(isAllowed({ group: [] }, 'user', 'delete')).toBe(true);
  expect(isAllowed({ user: ['create'] }, 'user', 'delete')).toBe(false);
});

test('what may not be changed stays as it is in the target, the rest goes through', () => {
  expect(difference('update', 'move', 'disable')).toEqual(diffImages(desired, existing, options));
  expect(difference()).toBeNull();
  expect(difference('update')).toEqual({
    verb: 'update',
    before: { mail: ['old'] },
    after: { mail: ['new'] },
  });
  expect(difference('disable')?.after).toEqual({ $enabled: ['false'] });
  expect(difference('enable')).toBeNull();
  expect(difference('move')?.after).toEqual({ $parent: ['b'], $name: ['jane'] });
});
