import { describe, expect, test } from 'vitest';
import { isJsonObject, type Json } from '../resource.ts';
import { bulkRequestUrn } from '../urns.ts';
import { planBulk } from './plan.ts';
import { type BulkOperation, parseBulkRequest, renderBulkRequest } from './request.ts';
import { parseBulkResponse, renderBulkResponse } from './response.ts';
import { type BulkCall, type BulkOutcome, BulkRun } from './run.ts';

const post = (bulkId: string, data: Json = {}, path = '/Users'): BulkOperation => ({
  method: 'POST',
  path,
  bulkId,
  data,
});
const group = (bulkId: string, ...members: string[]) =>
  post(bulkId, { displayName: bulkId, members: members.map((value) => ({ value })) }, '/Groups');

/** Carries all calls out, each made thing with the id `id-<bulkId>`. */
function run(
  operations: BulkOperation[],
  failOnErrors = 0,
  fails: (call: BulkCall) => boolean = () => false,
) {
  const bulk = new BulkRun({ operations, failOnErrors });
  const calls: BulkCall[] = [];
  const made = new Set<string>();
  for (let call = bulk.next(); call !== undefined; call = bulk.next()) {
    calls.push(call);
    const failed: BulkOutcome = { status: 400, error: { status: 400, detail: 'no' } };
    const id = `id-${operations[call.index]?.bulkId}`;
    if (call.method === 'DELETE') made.delete(call.path);
    const outcome: BulkOutcome =
      call.method === 'POST' ? { status: 201, id, location: `/x/${id}` } : { status: 204 };
    if (outcome.status === 201 && !fails(call)) made.add(`${call.path}/${id}`);
    bulk.record(call, fails(call) ? failed : outcome);
  }
  return { calls, results: bulk.results(), made: [...made] };
}

describe('a bulk request', () => {
  test('resolves what one operation makes in the next, in path and data', () => {
    const { calls, results } = run([
      post('q', { userName: 'Alice', title: 'bulkId:q' }),
      group('g', 'bulkId:q', 'known'),
      {
        method: 'PATCH',
        path: '/Groups/bulkId:g',
        data: { Operations: [{ op: 'remove', path: 'members[value eq "bulkId:q"]' }] },
      },
    ]);
    expect(calls[0]?.data).toEqual({ userName: 'Alice', title: 'bulkId:q' });
    expect(calls[1]?.data).toMatchObject({ members: [{ value: 'id-q' }, { value: 'known' }] });
    expect(calls[2]).toMatchObject({
      path: '/Groups/id-g',
      data: { Operations: [{ path: 'members[value eq "id-q"]' }] },
    });
    expect(results.map(({ status }) => status)).toEqual([201, 201, 204]);
  });

  test('makes first what is referred to, and answers in the order that was sent', () => {
    const { calls, results } = run([group('g', 'bulkId:q'), post('q')]);
    expect(calls.map(({ index }) => index)).toEqual([1, 0]);
    expect(results.map(({ bulkId }) => bulkId)).toEqual(['g', 'q']);
  });

  test('breaks circles, and completes them at the end', () => {
    const { calls, results } = run([group('a', 'bulkId:b', 'x'), group('b', 'bulkId:a', 'y')]);
    expect(calls).toEqual([
      { index: 1, method: 'POST', path: '/Groups', data: { displayName: 'b', members: [{ value: 'y' }] } },
      {
        index: 0,
        method: 'POST',
        path: '/Groups',
        data: { displayName: 'a', members: [{ value: 'id-b' }, { value: 'x' }] },
      },
      expect.objectContaining({ index: 1, method: 'PATCH', path: '/Groups/id-b' }),
    ]);
    const patch = calls[2]?.data;
    expect(isJsonObject(patch) && patch['Operations']).toEqual([
      { op: 'add', path: 'members', value: [{ value: 'id-a' }] },
    ]);
    expect(results).toMatchObject([
      { bulkId: 'a', status: 201 },
      { bulkId: 'b', status: 201, location: '/x/id-b' },
    ]);
  });

  test('lets someone be their own manager', () => {
    const urn = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';
    const { calls } = run([
      post('me', { userName: 'me', [urn]: { department: 'd', manager: { value: 'bulkId:me' } } }),
    ]);
    expect(calls[0]?.data).toEqual({ userName: 'me', [urn]: { department: 'd' } });
    expect(calls[1]?.data).toMatchObject({
      Operations: [{ op: 'add', path: `${urn}:manager`, value: { value: 'id-me' } }],
    });
  });

  test('takes back what it could not complete, and tells of the error alone', () => {
    const { results, made } = run(
      [group('self', 'bulkId:self'), group('a', 'bulkId:b'), group('b', 'bulkId:a')],
      0,
      ({ method, index }) => method === 'PATCH' && index === 0,
    );
    expect(results).toEqual([
      expect.objectContaining({ bulkId: 'self', status: 400, response: expect.any(Object) as object }),
      expect.objectContaining({ bulkId: 'a', status: 201, location: '/x/id-a' }),
      expect.objectContaining({ bulkId: 'b', status: 201, location: '/x/id-b' }),
    ]);
    expect(results[0]).not.toHaveProperty('location');
    expect(made).toEqual(['/Groups/id-b', '/Groups/id-a']);
  });

  test('completes what it has made after the last error, where all that it names is there', () => {
    const circle = [group('a', 'bulkId:b'), group('b', 'bulkId:a')];
    const complete = run([...circle, post('x'), post('y')], 1, ({ path }) => path === '/Users');
    expect(complete.results.map(({ status }) => status)).toEqual([201, 201, 400]);
    expect(complete.calls.at(-1)).toMatchObject({ method: 'PATCH', path: '/Groups/id-b' });
    // What b names fails, and so does b.
    const broken = run(circle, 1, ({ index }) => index === 0);
    expect(broken.results.map(({ status }) => status)).toEqual([400, 409]);
    expect(broken.made).toEqual([]);
  });

  test('fails what refers to a failure, or to nothing', () => {
    const { calls, results } = run(
      [post('q'), group('g', 'bulkId:q'), group('h', 'bulkId:zz')],
      0,
      ({ index }) => index === 0,
    );
    expect(calls).toHaveLength(1);
    expect(results.map(({ status }) => status)).toEqual([400, 409, 400]);
  });

  test('stops after as many errors as it is told', () => {
    const operations = [post('a'), post('b'), post('c'), post('d')];
    const { results } = run(operations, 2, () => true);
    expect(results.map(({ bulkId }) => bulkId)).toEqual(['a', 'b']);
  });

  test('orders a chain as long as the request', () => {
    const operations = Array.from({ length: 20_000 }, (_, at) => group(`g${at}`, `bulkId:g${at + 1}`));
    const steps = planBulk([...operations, post('g20000')]);
    expect(steps.map(({ index }) => index)).toEqual(Array.from({ length: 20_001 }, (_, at) => 20_000 - at));
  });
});

const parse = (body: object) =>
  parseBulkRequest({ schemas: [bulkRequestUrn], ...body }, { maxOperations: 3 });

const code = (expected: string) => expect.objectContaining({ code: expected }) as Error;

describe('the messages of a bulk request', () => {
  test('are read as they were written', () => {
    const request = {
      failOnErrors: 1,
      operations: [post('q'), { method: 'DELETE' as const, path: '/Users/1' }],
    };
    expect(parse(renderBulkRequest(request))).toEqual(request);
    const { results } = run([...request.operations], 0, ({ index }) => index === 1);
    const answered = parseBulkResponse(renderBulkResponse(results));
    expect(answered).toMatchObject([
      { bulkId: 'q', status: 201, location: '/x/id-q', error: undefined },
      { method: 'DELETE', status: 400, error: { status: 400, detail: 'no' } },
    ]);
  });

  test.each([
    ['InvalidSyntax', {}],
    ['InvalidSyntax', { Operations: [{ method: 'GET', path: '/Users' }] }],
    ['InvalidSyntax', { Operations: [{ method: 'POST', path: '/Users' }] }],
    ['InvalidSyntax', { Operations: [{ method: 'DELETE' }] }],
    ['InvalidSyntax', { Operations: [], failOnErrors: -1 }],
    ['InvalidValue', { Operations: [post('q'), post('q')] }],
    ['LimitExceeded', { Operations: [{}, {}, {}, {}] }],
  ])('are refused with %s: %j', (expected, body) => {
    expect(() => parse(body)).toThrow(code(expected));
  });
});
