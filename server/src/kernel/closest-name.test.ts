import { expect, it } from 'vitest';
import { closestName } from './closest-name.ts';

it.each([
  ['basedn', 'baseDn'],
  ['pasword', 'password'],
  ['conection', 'connection'],
  ['ulr', 'url'],
  ['zzz', undefined],
  ['', undefined],
])('%s was meant as %s', (written, meant) => {
  expect(closestName(written, ['url', 'baseDn', 'password', 'connection'])).toBe(meant);
});
