import { describe, expect, test } from 'vitest';
import { Relocations } from './relocation.ts';

describe('Relocations', () => {
  test('follows an entry through its own moves and those of its containers', () => {
    const moves = new Relocations();
    moves.record('uid=a,ou=x,dc=t', 'uid=a,ou=y,dc=t');
    moves.record('OU=Y,dc=t', 'ou=z,ou=w,dc=t');
    expect(moves.follow('uid=A,ou=x,dc=t')).toBe('uid=a,ou=z,ou=w,dc=t');
    expect(moves.follow('uid=b,ou=y,dc=t')).toBe('uid=b,ou=z,ou=w,dc=t');
    expect(moves.follow('uid=b,ou=x,dc=t')).toBeUndefined();
  });

  test('a place taken by another entry afterwards is not confused with the first one', () => {
    const moves = new Relocations();
    moves.record('uid=a,dc=t', 'uid=free,dc=t');
    moves.record('uid=b,dc=t', 'uid=a,dc=t');
    expect(moves.follow('uid=a,dc=t')).toBe('uid=free,dc=t');
    expect(moves.follow('uid=b,dc=t')).toBe('uid=a,dc=t');
    expect(moves.follow('uid=a,dc=t', 1)).toBeUndefined();
  });

  test('knows where a DN can no longer be trusted, escaped commas included', () => {
    const moves = new Relocations();
    moves.record(String.raw`ou=a\,b,dc=t`, 'ou=c,dc=t');
    expect(moves.isDoubtful(String.raw`uid=x,ou=A\2Cb,dc=t`)).toBe(true);
    expect(moves.isDoubtful('uid=x,ou=b,dc=t')).toBe(false);
  });
});
