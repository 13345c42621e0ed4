import { describe, expect, test } from 'vitest';
import { parsePatchPath, renderPatchPath } from './parse.ts';

describe('a path of PATCH (RFC 7644 section 3.5.2)', () => {
  test.each([
    'members',
    'name.familyName',
    'addresses[type eq "work"]',
    'members[value eq "2819c223-7f76-453a-919d-413861904646"]',
    'members[value eq "2819c223-7f76-453a-919d-413861904646"].displayName',
    'emails[type eq "work" and (primary eq true or value pr)].value',
    'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.$ref',
    'urn:x:2.0:User:phones[type eq "a.b:c"].value',
  ])('%s is the same after it was parsed and rendered', (text) => {
    expect(renderPatchPath(parsePatchPath(text))).toBe(text);
  });

  test.each([
    ['', 1],
    ['.value', 1],
    ['a b', 3],
    ['a.b.c', 1],
    ['emails[', 8],
    ['emails[]', 8],
    ['emails[type eq "x"', 19],
    ['emails[type eq "x"]value', 20],
    ['emails[type eq "x"].a.b', 24],
    ['emails[type eq "x"].a pr', 23],
  ])('%j is refused at character %i', (text, column) => {
    expect(() => parsePatchPath(text)).toThrow(
      expect.objectContaining({ code: 'InvalidPath', position: { line: 1, column } }) as Error,
    );
  });
});
