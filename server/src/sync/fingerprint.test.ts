import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { mixFingerprints } from './fingerprint.ts';

const fingerprint = fc.stringMatching(/^[0-9a-f]{32}$/);

test('a mixed fingerprint is one, and changes when either part does', () => {
  fc.assert(
    fc.property(fingerprint, fingerprint, fingerprint, (one, other, version) => {
      const mixed = mixFingerprints(one, version);
      expect(mixed).toMatch(/^[0-9a-f]{32}$/);
      expect(mixed === mixFingerprints(other, version)).toBe(one === other);
      expect(mixFingerprints(version, one) === mixFingerprints(version, other)).toBe(one === other);
    }),
  );
});

test('of a longer text the first half counts', () => {
  const half = '00112233445566778899aabbccddeeff';
  expect(mixFingerprints(half, `${'0'.repeat(32)}${'f'.repeat(32)}`)).toBe(half);
});
