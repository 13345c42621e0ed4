import { describe, expect, test } from 'vitest';
import { LockstepError } from '../kernel/errors.ts';
import { checkPreconditions, matchesEntityTag, renderEntityTag } from './entity-tag.ts';
import { parseScimError, renderScimError, scimErrorOf } from './errors.ts';

describe('an error as SCIM tells it', () => {
  test.each([
    ['InvalidFilter', 400, 'invalidFilter'],
    ['NotMutable', 400, 'mutability'],
    ['UsernameTaken', 409, 'uniqueness'],
    ['RevisionMoved', 412, undefined],
    ['NotFound', 404, undefined],
    ['Held', 503, undefined],
    ['LimitExceeded', 413, undefined],
  ] as const)('%s is %i %s', (code, status, scimType) => {
    expect(scimErrorOf(new LockstepError(code, 'What.'))).toEqual({
      status,
      ...(scimType && { scimType }),
      detail: 'What.',
    });
  });

  test('tells nothing of a defect', () => {
    expect(scimErrorOf(new TypeError('x of undefined')).detail).not.toContain('undefined');
    expect(scimErrorOf(new LockstepError('Internal', 'x')).status).toBe(500);
  });

  test('is read as it was written, and whatever else services send', () => {
    const error = { status: 409, scimType: 'uniqueness' as const, detail: 'Taken.' };
    expect(renderScimError(error)).toMatchObject({ status: '409' });
    expect(parseScimError(409, renderScimError(error))).toEqual(error);
    expect(parseScimError(500, { message: 'x', scimType: 'odd' })).toEqual({ status: 500, detail: 'x' });
    expect(parseScimError(502, '<html>').status).toBe(502);
  });
});

describe('an entity tag', () => {
  const tag = renderEntityTag(7);

  test('is compared without regard to its strength', () => {
    expect(
      [tag, '"7"', '"1", W/"7"', '*', '7', 'W/7'].map((header) => matchesEntityTag(header, tag)),
    ).toEqual(Array.from({ length: 6 }, () => true));
    expect(['"8"', '', 'W/"77"'].map((header) => matchesEntityTag(header, tag))).toEqual([
      false,
      false,
      false,
    ]);
  });

  test('decides whether a request is carried out', () => {
    expect(checkPreconditions({}, tag, 'PUT')).toBe('proceed');
    expect(checkPreconditions({ ifMatch: '"8"' }, tag, 'PUT')).toBe('failed');
    expect(checkPreconditions({ ifMatch: '*' }, undefined, 'PUT')).toBe('failed');
    expect(checkPreconditions({ ifNoneMatch: tag }, tag, 'GET')).toBe('not_modified');
    expect(checkPreconditions({ ifNoneMatch: '*' }, tag, 'PUT')).toBe('failed');
    expect(checkPreconditions({ ifNoneMatch: '"8"' }, tag, 'GET')).toBe('proceed');
  });
});
