import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startSlapd, type Slapd } from '../../../../../../test/servers/slapd.ts';
import { findReadEntry, postRead, postReadOid, preRead, preReadOid } from '../controls/readEntry.ts';
import { assertion, manageDsaIt, proxiedAuthorization, relaxRules } from '../controls/requestControls.ts';
import {
  findSyncDone,
  findSyncState,
  parseSyncInfo,
  type SyncInfo,
  syncInfoOid,
  syncRequest,
} from '../controls/contentSync.ts';
import type { RawSearchEntry } from '../messages/entry.ts';
import { resultCodes } from '../messages/result.ts';
import { connectLdap, type LdapClient } from './client.ts';
import type { SearchRequest } from './search.ts';

let slapd: Slapd;
let client: LdapClient;
const suffix = 'dc=example,dc=com';
const people = `ou=People,${suffix}`;

beforeAll(async () => {
  slapd = await startSlapd({ dbnosync: true, syncprov: true, extraConfig: 'syncprov-sessionlog 1000' });
  client = await connectAdmin();
  await client.add(people, { objectClass: ['organizationalUnit'], ou: ['People'] });
  const adds = Array.from({ length: 300 }, (_, index) => addPerson(`bulk${index}`));
  expect((await Promise.all(adds)).every((result) => result.code === 0)).toBe(true);
});

afterAll(async () => {
  await client?.unbind();
  await slapd?.stop();
});

function connectAdmin(maxPending = 64): Promise<LdapClient> {
  const bind = { method: 'simple', dn: slapd.adminDn, password: slapd.password } as const;
  return connectLdap({ url: slapd.url, bind, maxPending });
}

function addPerson(uid: string, attributes: Record<string, readonly (string | Buffer)[]> = {}) {
  const person = { objectClass: ['inetOrgPerson'], uid: [uid], cn: [uid], sn: ['Person'], ...attributes };
  return client.add(`uid=${uid},${people}`, person);
}

async function entries(
  request: Partial<SearchRequest>,
  from: LdapClient = client,
): Promise<RawSearchEntry[]> {
  const found: RawSearchEntry[] = [];
  const all = { base: suffix, scope: 'sub', filter: '(objectClass=*)', ...request } as const;
  for await (const item of from.search(all)) if (item.type === 'entry') found.push(item.entry);
  return found;
}

async function failure(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => undefined,
    (error: unknown) => error,
  );
}

describe('writes', () => {
  test('add, read back with every octet, add again', async () => {
    const photo = Buffer.from([0, 1, 2, 255, 254]);
    const result = await addPerson('anna', { description: ['Grüße', ' blank '], jpegPhoto: [photo] });
    expect(result.code).toBe(resultCodes.success);
    const [entry] = await entries({ filter: '(uid=anna)' });
    const { dn, attributes } = entry!.decode();
    expect(dn).toBe(`uid=anna,${people}`);
    expect(attributes.get('description')).toEqual(['Grüße', ' blank ']);
    expect(attributes.get('jpegPhoto')).toEqual([photo]);
    expect((await addPerson('anna')).code).toBe(resultCodes.entryAlreadyExists);
    const orphan = await client.add(`cn=x,ou=None,${suffix}`, {
      objectClass: ['person'],
      cn: ['x'],
      sn: ['x'],
    });
    expect(orphan).toMatchObject({ code: resultCodes.noSuchObject, matchedDn: suffix });
  });

  test('post-read gives the entryUUID of a new entry, pre-read the values before a change', async () => {
    const dn = `cn=read,${people}`;
    const result = await client.add(dn, { objectClass: ['person'], cn: ['read'], sn: ['a'] }, [
      postRead(['entryUUID']),
    ]);
    const uuid = findReadEntry(result.controls, postReadOid)?.peek('entryUUID');
    expect(uuid).toMatch(/^[0-9a-f-]{36}$/);
    expect((await entries({ filter: `(entryUUID=${uuid})` }))[0]?.dn()).toBe(dn);
    const change = [{ operation: 'replace', attribute: 'sn', values: ['b'] }] as const;
    const modified = await client.modify(dn, change, [preRead(['sn']), postRead(['sn'])]);
    expect(findReadEntry(modified.controls, preReadOid)?.peek('sn')).toBe('a');
    expect(findReadEntry(modified.controls, postReadOid)?.peek('sn')).toBe('b');
  });

  test('modify adds, replaces, deletes and increments', async () => {
    const dn = `uid=mod,${people}`;
    const posix = { uidNumber: ['7'], gidNumber: ['1'], homeDirectory: ['/'] };
    await addPerson('mod', { ...posix, objectClass: ['inetOrgPerson', 'posixAccount'], title: ['old'] });
    const result = await client.modify(dn, [
      { operation: 'add', attribute: 'description', values: ['one', 'two'] },
      { operation: 'delete', attribute: 'title' },
      { operation: 'replace', attribute: 'sn', values: ['New'] },
      { operation: 'replace', attribute: 'mail', values: [] },
      { operation: 'increment', attribute: 'uidNumber', values: ['5'] },
    ]);
    expect(result.code).toBe(resultCodes.success);
    const { attributes } = (await entries({ base: dn, scope: 'base' }))[0]!.decode();
    expect(attributes.get('description')).toEqual(['one', 'two']);
    expect([attributes.get('title'), attributes.get('sn'), attributes.get('uidNumber')]).toEqual([
      undefined,
      ['New'],
      ['12'],
    ]);
    const again = await client.modify(dn, [{ operation: 'add', attribute: 'description', values: ['one'] }]);
    expect(again.code).toBe(resultCodes.attributeOrValueExists);
  });

  test('rename, move with children, and the codes of both going wrong', async () => {
    await client.add(`ou=Old,${suffix}`, { objectClass: ['organizationalUnit'], ou: ['Old'] });
    await client.add(`cn=child,ou=Old,${suffix}`, { objectClass: ['person'], cn: ['child'], sn: ['c'] });
    const name = { newRdn: 'ou=New\\, Ltd', deleteOldRdn: true, newSuperior: people };
    expect((await client.modifyDn(`ou=Old,${suffix}`, name)).code).toBe(resultCodes.success);
    const child = (await entries({ filter: '(cn=child)' }))[0];
    expect(child?.dn()).toMatch(/^cn=child,ou=New(\\2C|\\,) Ltd,ou=People,/);
    const taken = await client.modifyDn(`cn=child,ou=New\\, Ltd,${people}`, {
      newRdn: 'cn=other',
      deleteOldRdn: false,
      newSuperior: `ou=None,${suffix}`,
    });
    expect(taken.code).toBe(resultCodes.noSuchObject);
    expect((await client.delete(`ou=New\\, Ltd,${people}`)).code).toBe(resultCodes.notAllowedOnNonLeaf);
    expect((await client.delete(`cn=child,ou=New\\, Ltd,${people}`)).code).toBe(resultCodes.success);
    expect((await client.delete(`ou=New\\, Ltd,${people}`)).code).toBe(resultCodes.success);
  });

  test('compare', async () => {
    await addPerson('comp', { mail: ['a@b'] });
    expect(await client.compare(`uid=comp,${people}`, 'mail', 'A@B')).toBe(true);
    expect(await client.compare(`uid=comp,${people}`, 'mail', 'c@d')).toBe(false);
    expect(await failure(client.compare(`uid=none,${people}`, 'mail', 'c@d'))).toMatchObject({
      code: 'NotFound',
      resultCode: 32,
    });
  });

  test('an assertion that fails leaves the entry alone; relax and proxied authorization reach the server', async () => {
    const dn = `uid=assert,${people}`;
    await addPerson('assert');
    const change = [{ operation: 'replace', attribute: 'sn', values: ['x'] }] as const;
    expect((await client.modify(dn, change, [assertion('(sn=other)')])).code).toBe(
      resultCodes.assertionFailed,
    );
    expect((await client.modify(dn, change, [assertion('(sn=person)')])).code).toBe(resultCodes.success);
    const entryUUID = '01234567-89ab-cdef-0123-456789abcdef';
    const relaxed = { objectClass: ['person'], cn: ['relaxed'], sn: ['x'], entryUUID: [entryUUID] };
    expect((await client.add(`cn=relaxed,${people}`, relaxed, [relaxRules()])).code).toBe(
      resultCodes.success,
    );
    expect(await entries({ filter: `(entryUUID=${entryUUID})` })).toHaveLength(1);
    const denied = await client.modify(dn, change, [proxiedAuthorization(`dn:uid=assert,${people}`)]);
    expect(denied.code).toBe(resultCodes.insufficientAccessRights);
  });

  test('500 writes at once on one connection, of which 64 are under way, all find their answer', async () => {
    const changes = Array.from({ length: 500 }, (_, index) => ({
      dn: `uid=bulk${index % 300},${people}`,
      mail: `m${index}@x`,
    }));
    const results = await Promise.all(
      changes.map(({ dn, mail }) =>
        client.modify(dn, [{ operation: 'replace', attribute: 'mail', values: [mail] }]),
      ),
    );
    expect(results.map((result) => result.code)).toEqual(changes.map(() => 0));
  });
});

describe('searches', () => {
  test('scopes, attribute lists, types only', async () => {
    expect((await entries({ scope: 'base' })).map((entry) => entry.dn())).toEqual([suffix]);
    expect((await entries({ scope: 'one' })).map((entry) => entry.dn())).toContain(people);
    expect((await entries({ scope: 'children', base: people })).map((entry) => entry.dn())).not.toContain(
      people,
    );
    const [entry] = await entries({ filter: '(uid=bulk1)', attributes: ['UID', 'entryUUID'] });
    expect([...entry!.decode().attributes.keys()].map((name) => name.toLowerCase()).sort()).toEqual([
      'entryuuid',
      'uid',
    ]);
    const [types] = await entries({ filter: '(uid=bulk1)', attributes: ['uid'], typesOnly: true });
    expect(types!.decode().attributes).toEqual(new Map([['uid', []]]));
  });

  test.each([1, 7, 100, 299, 300, 1000])('pages of %i give every entry once', async (pageSize) => {
    const search = client.search({
      base: people,
      scope: 'one',
      filter: '(uid=bulk*)',
      pageSize,
      attributes: ['uid'],
    });
    const uids: string[] = [];
    for await (const item of search) if (item.type === 'entry') uids.push(item.entry.peek('uid')!);
    expect(new Set(uids).size).toBe(300);
    expect(uids).toHaveLength(300);
    expect(await search.done).toMatchObject({
      entries: 300,
      references: 0,
      pages: Math.ceil(300 / pageSize),
      result: { code: 0 },
    });
  });

  test('a size limit delivers what there is and then fails', async () => {
    const search = client.search({ base: people, scope: 'one', filter: '(uid=bulk*)', sizeLimit: 10 });
    let seen = 0;
    const read = async (): Promise<void> => {
      for await (const batch of search.batches()) seen += batch.length;
    };
    expect(await failure(read())).toMatchObject({
      code: 'LimitExceeded',
      resultCode: resultCodes.sizeLimitExceeded,
    });
    expect(seen).toBe(10);
    expect(await failure(search.done)).toMatchObject({ resultCode: resultCodes.sizeLimitExceeded });
  });

  test('a base that is not there is an error and no empty result; a bad filter never leaves', async () => {
    expect(await failure(entries({ base: `ou=None,${suffix}` }))).toMatchObject({ code: 'NotFound' });
    expect(await failure(entries({ filter: '(cn=' }))).toMatchObject({ code: 'InvalidFilter' });
  });

  test('leaving early, and a signal, abandon the search; the connection goes on', async () => {
    for await (const item of client.search({
      base: suffix,
      scope: 'sub',
      filter: '(objectClass=*)',
      pageSize: 5,
    })) {
      expect(item.type).toBe('entry');
      break;
    }
    const controller = new AbortController();
    const live = client.search({
      base: suffix,
      scope: 'sub',
      filter: '(uid=bulk5)',
      controls: [syncRequest({ mode: 'refreshAndPersist' })],
      signal: controller.signal,
    });
    const read = async (): Promise<void> => {
      for await (const item of live) if (item.type === 'entry') controller.abort();
    };
    expect(await failure(read())).toMatchObject({ code: 'Cancelled' });
    const late = { base: suffix, scope: 'sub', filter: '(a=b)', signal: controller.signal } as const;
    expect(() => client.search(late)).toThrow(expect.objectContaining({ code: 'Cancelled' }));
    expect(await client.whoAmI()).toBe(`dn:cn=admin,${suffix}`);
  });

  test('referral objects come as references, and as entries with ManageDsaIT', async () => {
    const dn = `ou=Elsewhere,${suffix}`;
    const referral = {
      objectClass: ['referral', 'extensibleObject'],
      ou: ['Elsewhere'],
      ref: ['ldap://other.test/ou=E'],
    };
    expect((await client.add(dn, referral, [manageDsaIt()])).code).toBe(0);
    const search = client.search({ base: suffix, scope: 'one', filter: '(objectClass=*)' });
    const references: string[] = [];
    for await (const item of search) if (item.type === 'reference') references.push(...item.uris);
    expect(references).toEqual(['ldap://other.test/ou=E??sub'].map((uri) => uri.replace('??sub', '??base')));
    expect((await search.done).references).toBe(1);
    const beneath = await failure(entries({ base: `cn=x,${dn}` }));
    expect(beneath).toMatchObject({
      resultCode: resultCodes.referral,
      result: { referrals: ['ldap://other.test/cn=x,ou=E??sub'] },
    });
    const managed = await entries({ filter: '(objectClass=referral)', controls: [manageDsaIt()] });
    expect(managed.map((entry) => entry.dn())).toEqual([dn]);
    await client.delete(dn, [manageDsaIt()]);
  });

  test('sync controls carry state and cookie, intermediate responses arrive (RFC 4533)', async () => {
    const request = { base: people, scope: 'one', filter: '(uid=bulk1*)' } as const;
    const uuids = new Map<string, Buffer>();
    const first = client.search({ ...request, controls: [syncRequest({ mode: 'refreshOnly' })] });
    for await (const item of first) {
      if (item.type !== 'entry') continue;
      const state = findSyncState(item.entry.controls);
      uuids.set(item.entry.peek('uid')!, state!.entryUuid);
      expect([state?.state, state?.entryUuid.length]).toEqual(['add', 16]);
    }
    const cookie = findSyncDone((await first.done).result.controls)!.cookie!;
    await client.delete(`uid=bulk199,${people}`);
    const second = client.search({ ...request, controls: [syncRequest({ mode: 'refreshOnly', cookie })] });
    const infos: SyncInfo[] = [];
    for await (const item of second) {
      expect(item).toMatchObject({ type: 'intermediate', oid: syncInfoOid });
      if (item.type === 'intermediate') infos.push(parseSyncInfo(item.value!));
    }
    expect(infos).toMatchObject([{ type: 'idSet', deletes: true, entryUuids: [uuids.get('bulk199')] }]);
    await addPerson('bulk199');
  });
});

describe('who the connection is', () => {
  test('simple, anonymous, and EXTERNAL over ldapi', async () => {
    await using anonymous = await connectLdap({ url: slapd.url });
    expect(await anonymous.whoAmI()).toBe('');
    await using local = await connectLdap({ url: slapd.ldapiUrl, bind: { method: 'external' } });
    expect(await local.whoAmI()).toBe(`dn:cn=admin,${suffix}`);
    await local.bind({ method: 'simple', dn: slapd.adminDn, password: slapd.password });
    expect(await local.whoAmI()).toBe(`dn:cn=admin,${suffix}`);
  });

  test.each([
    ['a wrong password', 'wrong', resultCodes.invalidCredentials],
    ['an empty password, which a server would take for anonymous', '', undefined],
  ])('%s is rejected', async (_what, password, resultCode) => {
    const error = await failure(
      connectLdap({ url: slapd.url, bind: { method: 'simple', dn: slapd.adminDn, password } }),
    );
    expect(error).toMatchObject({
      code: 'AuthenticationRejected',
      message: expect.stringContaining(`127.0.0.1:${slapd.port}: bind`),
    });
    expect((error as { resultCode?: number }).resultCode).toBe(resultCode);
  });

  test('EXTERNAL without an identity is rejected', async () => {
    const error = await failure(connectLdap({ url: slapd.url, bind: { method: 'external' } }));
    expect(error).toMatchObject({ code: 'AuthenticationRejected' });
  });

  test('after unbind everything fails at once', async () => {
    const other = await connectAdmin();
    expect(other.alive).toBe(true);
    await other.unbind();
    expect(other.alive).toBe(false);
    expect(await failure(other.delete('cn=x'))).toMatchObject({ code: 'ConnectionFailed' });
    expect(() => other.search({ base: '', scope: 'base', filter: '(a=*)' })).toThrow(/closed/);
    await other.unbind();
  });
});
