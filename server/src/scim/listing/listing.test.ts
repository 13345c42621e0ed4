import { describe, expect, test } from 'vitest';
import { createSchemaRegistry, getResourceModel } from '../schema/registry.ts';
import { parseListQuery, parseSearchRequest } from './list-request.ts';
import { parseListResponse, renderListResponse } from './list-response.ts';
import { resolveSort, sortResources } from './sort.ts';

const limits = { defaultCount: 100, maxCount: 500 };
const page = (query: Record<string, unknown>) => parseListQuery(query, limits).page;
const code = (expected: string) => expect.objectContaining({ code: expected }) as Error;

describe('what a client asks of a list', () => {
  test('is a page by index, its numbers cut to what is possible', () => {
    expect(page({})).toEqual({ kind: 'index', startIndex: 1, count: 100 });
    expect(page({ startIndex: '0', count: '-5' })).toEqual({ kind: 'index', startIndex: 1, count: 0 });
    expect(page({ startindex: '11', Count: ['9999', '9999'] })).toEqual({
      kind: 'index',
      startIndex: 11,
      count: 500,
    });
    expect(() => page({ count: 'ten' })).toThrow(code('InvalidValue'));
  });

  test('is said once: only lists of attributes are put together', () => {
    expect(parseListQuery({ attributes: ['a,b', 'c'] }, limits).attributes).toEqual(['a', 'b', 'c']);
    for (const name of ['filter', 'sortBy', 'count', 'startIndex', 'cursor'])
      expect(() => parseListQuery({ [name]: ['1', '2'] }, limits), name).toThrow(/one (string|integer)/);
    expect(parseListQuery({ other: ['1', '2'] }, limits)).toEqual(parseListQuery({}, limits));
  });

  test('is a page by cursor (RFC 9865), the first by an empty one', () => {
    expect(page({ cursor: '', count: '10' })).toEqual({ kind: 'cursor', cursor: undefined, count: 10 });
    expect(page({ cursor: 'abc' })).toEqual({ kind: 'cursor', cursor: 'abc', count: 100 });
    expect(() => page({ cursor: 'abc', count: '0' })).toThrow(code('InvalidCount'));
  });

  test('is the same by GET and by POST', () => {
    const query = { filter: 'a pr', sortBy: 'a', sortOrder: 'Descending', attributes: 'a, b', count: '5' };
    const body = { ...query, attributes: ['a', 'b'], count: 5 };
    expect(parseListQuery(query, limits)).toEqual(parseSearchRequest(body, limits));
    expect(() => parseSearchRequest([], limits)).toThrow(code('InvalidSyntax'));
    expect(() => parseSearchRequest({ filter: 7 }, limits)).toThrow(code('InvalidValue'));
  });
});

describe('a list', () => {
  test('is read as it was written', () => {
    const written = { resources: [{ id: '1' }], totalResults: 7, startIndex: 3, nextCursor: 'n' };
    expect(parseListResponse(renderListResponse(written))).toMatchObject({ ...written, itemsPerPage: 1 });
  });

  test('of a service may lack what means nothing', () => {
    expect(parseListResponse({ totalResults: 0 }).resources).toEqual([]);
    expect(parseListResponse({ Resources: [{ id: '1' }] }).totalResults).toBe(1);
    expect(() => parseListResponse({ error: 'x' })).toThrow(code('ProtocolError'));
    expect(() => parseListResponse('<html>')).toThrow(code('ProtocolError'));
  });
});

describe('an order', () => {
  const model = getResourceModel(createSchemaRegistry(), 'User');
  const sorted = (sortBy: string, order: 'ascending' | 'descending', resources: object[]) =>
    sortResources(resources as never, resolveSort(sortBy, order, model)).map(({ id }) => id);

  test('is without regard to case, and has those without a value last', () => {
    const users = [{ id: 1, userName: 'b' }, { id: 2 }, { id: 3, userName: 'A' }, { id: 4, userName: 'C' }];
    expect(sorted('userName', 'ascending', users)).toEqual([3, 1, 4, 2]);
    expect(sorted('USERNAME', 'descending', users)).toEqual([2, 4, 1, 3]);
  });

  test('is by the primary value, and by instants', () => {
    const byMail = [
      { id: 1, emails: [{ value: 'a' }, { value: 'z', primary: true }] },
      { id: 2, emails: [{ value: 'b' }, { value: 'c' }] },
    ];
    expect(sorted('emails', 'ascending', byMail)).toEqual([2, 1]);
    const byTime = [
      { id: 1, meta: { created: '2020-01-01T01:00:00Z' } },
      { id: 2, meta: { created: '2020-01-01T02:00:00+02:00' } },
    ];
    expect(sorted('meta.created', 'ascending', byTime)).toEqual([2, 1]);
  });

  test('needs an attribute that has one', () => {
    expect(() => resolveSort('nosuch', 'ascending', model)).toThrow(code('InvalidPath'));
    expect(() => resolveSort('name', 'ascending', model)).toThrow(code('InvalidPath'));
  });
});
