import { describe, expect, test } from 'vitest';
import { parseDeltaPage } from './delta-page.ts';

const end = { '@odata.deltaLink': 'https://g/d' };

describe('a page of changes', () => {
  test('has records, removals, members and managers', () => {
    const group = {
      id: 'g',
      displayName: 'G',
      '@odata.etag': 'x',
      'members@delta': [
        { '@odata.type': '#microsoft.graph.user', id: 'u' },
        { '@odata.type': '#microsoft.graph.device', id: 'd' },
        { '@odata.type': '#microsoft.graph.group', id: 'h', '@removed': { reason: 'deleted' } },
      ],
    };
    expect(
      parseDeltaPage('group', { value: [group, { id: 'x', '@removed': { reason: 'changed' } }], ...end })
        .changes,
    ).toEqual([
      { verb: 'merge', kind: 'group', externalId: 'g', attributes: { id: 'g', displayName: 'G' } },
      { verb: 'addMember', groupId: 'g', memberId: 'u' },
      { verb: 'removeMember', groupId: 'g', memberId: 'h' },
      { verb: 'remove', kind: 'group', externalId: 'x' },
    ]);
    const manager = (list: unknown) =>
      parseDeltaPage('user', { value: [{ id: 'u', 'manager@delta': list }], ...end }).changes;
    expect(manager([{ id: 'old', '@removed': { reason: 'deleted' } }, { id: 'new' }])).toMatchObject([
      { attributes: { manager: 'new' } },
    ]);
    expect(manager([{ id: 'old', '@removed': { reason: 'deleted' } }])).toMatchObject([
      { attributes: { manager: null } },
    ]);
  });

  test('has nothing that the store cannot keep', () => {
    const user = { id: 'u', displayName: 'a\u0000b', otherMails: ['\ud800c'], x: { y: 'd\ud83d' } };
    expect(parseDeltaPage('user', { value: [user], ...end }).changes).toMatchObject([
      { attributes: { displayName: 'a\ufffdb', otherMails: ['\ufffdc'], x: { y: 'd\ufffd' } } },
    ]);
  });

  test.each([
    [{ value: [{ id: 'a\u0000' }], ...end }],
    [{}],
    [{ value: [] }],
    [{ value: [], ...end, '@odata.nextLink': 'https://g/n' }],
    [{ value: [null], ...end }],
    [{ value: [{ displayName: 'nobody' }], ...end }],
    [{ value: [{ id: 'g', 'members@delta': 'u' }], ...end }],
    [{ value: [], '@odata.deltaLink': 5 }],
  ])('%j is refused', (body) => {
    expect(() => parseDeltaPage('group', body)).toThrow(expect.objectContaining({ code: 'ProtocolError' }));
  });
});
