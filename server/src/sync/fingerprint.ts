const mixed = Buffer.alloc(16);
const other = Buffer.alloc(16);

/** Two fingerprints of 32 hexadecimal digits (of longer texts the first 32) as one that changes when either does. */
export function mixFingerprints(left: string, right: string): string {
  mixed.write(left, 'hex');
  other.write(right, 'hex');
  for (let index = 0; index < 16; index += 1) mixed[index]! ^= other[index]!;
  return mixed.toString('hex');
}
