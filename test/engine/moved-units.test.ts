import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseLdifDump } from '../servers/ldifDump.ts';
import { startSlapd } from '../servers/slapd.ts';
import type { Slapd } from '../servers/slapd.ts';
import { describeOnBothStores } from '../servers/stores.ts';
import { makeWorkbench, type Workbench } from '../workbench.ts';

const suffix = 'dc=example,dc=com';

/** Two units, one in the other, with a person each, of which the one leads the other. */
function nested(outer: number, inner: number): string {
  const names = ['', 'eng', 'lab'];
  const dns = new Map([
    [outer, 'ou=eng,dc=n'],
    [inner, 'ou=lab,ou=eng,dc=n'],
  ]);
  const person = (id: number, uid: string, boss: string) =>
    entry(
      id + 2,
      `uid=${uid},${dns.get(id)}`,
      'objectClass: inetOrgPerson',
      `uid: ${uid}`,
      'sn: S',
      `cn: ${uid}`,
      `manager: ${boss}`,
    );
  const [ann, bob] = [`uid=ann,${dns.get(1)}`, `uid=bob,${dns.get(2)}`];
  const units = [outer, inner].map((id, index) =>
    entry(id, dns.get(id)!, 'objectClass: organizationalUnit', `ou: ${names[index + 1]}`),
  );
  return [...units, person(1, 'ann', bob), person(2, 'bob', ann)].join('');
}

/** A unit, people, and a group for each of them. */
function eachInAGroup(unit: string, people: readonly string[]): string {
  return [
    entry(1, `ou=${unit},dc=r`, 'objectClass: organizationalUnit', `ou: ${unit}`),
    ...people.flatMap((dn, index) => {
      const uid = dn.slice('uid='.length, dn.indexOf(','));
      const group = [
        `cn=g${index},dc=r`,
        'objectClass: groupOfNames',
        `cn: g${index}`,
        `member: ${dn}`,
      ] as const;
      return [
        entry(100 + index, dn, 'objectClass: inetOrgPerson', `uid: ${uid}`, 'cn: P', 'sn: P'),
        entry(200 + index, ...group),
      ];
    }),
  ].join('');
}

/** Units of these names, with a person in each. */
function inUnits(names: readonly string[]): string {
  return names
    .flatMap((name, index) => [
      entry(index, `ou=${name},dc=e`, 'objectClass: organizationalUnit', `ou: ${name}`),
      entry(
        index + names.length,
        `uid=p${index},ou=${name},dc=e`,
        'objectClass: inetOrgPerson',
        `uid: p${index}`,
        'cn: P',
        'sn: P',
      ),
    ])
    .join('');
}

function entry(id: number, dn: string, ...lines: string[]): string {
  return [
    `dn: ${dn}`,
    `entryUUID: 00000000-0000-4000-8000-${String(id).padStart(12, '0')}`,
    ...lines,
    '',
    '',
  ].join('\n');
}

/** A person two units down, and groups that have that person. */
function people(above: string, below: string, groups: readonly string[]): string {
  const unit = `ou=${below},ou=${above},dc=s`;
  const unitClass = 'objectClass: organizationalUnit';
  return [
    entry(1, `ou=${above},dc=s`, unitClass, `ou: ${above}`),
    entry(2, unit, unitClass, `ou: ${below}`),
    entry(3, `uid=emil,${unit}`, 'objectClass: inetOrgPerson', 'uid: emil', 'cn: Emil', 'sn: E'),
    ...['staff', 'more'].map((name, index) => {
      const member = groups.includes(name) ? `uid=emil,${unit}` : `cn=${name},dc=s`;
      const lines = ['objectClass: groupOfNames', `cn: ${name}`, `member: ${member}`];
      return entry(4 + index, `cn=${name},dc=s`, ...lines);
    }),
  ].join('');
}

/** Where the egress takes the entries to be. */
async function linksOf({ app }: Workbench): Promise<unknown> {
  const { rows } = await sql`
    select l.external_id as id, l.reference, l.location from link l join sync s on s.serial = l.sync_serial
    where s.name = 'out' order by l.external_id`.execute(app.store.db);
  return rows;
}

describeOnBothStores('units that move in an LDAP server', (makeStore) => {
  let server: Slapd;
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lockstep-units-'));
    server = await startSlapd({ dbnosync: true });
  });
  afterAll(async () => {
    await server.stop();
    await rm(folder, { recursive: true });
  });

  test('a unit and one in it: whoever is below is the same member by the name that holds in the end', async () => {
    const bench = await makeWorkbench(await makeStore());
    const path = join(folder, 'people.ldif');
    const { url, adminDn: bindDn, password } = server;
    await bench.connection('in', { type: 'file', path, baseDn: 'dc=s' });
    await bench.connection('out', { type: 'ldap', url, bindDn, password, baseDn: suffix });
    await bench.sync('in', { connection: 'in', direction: 'ingress' });
    await bench.sync('out', { connection: 'out', direction: 'egress' });
    await writeFile(path, people('eng', 'sub', ['staff']));
    await bench.run('in');
    await bench.run('out');
    await writeFile(path, people('tech', 'lab', ['staff', 'more']));
    await bench.run('in');
    expect((await bench.run('out')).status).toBe('success');
    const known = await linksOf(bench);
    const entries = await server.entries();
    const groups = entries.filter(({ dn }) => dn.startsWith('cn='));
    expect(groups.map(({ attributes }) => attributes['member']?.map(String))).toEqual([
      [`uid=emil,ou=lab,ou=tech,${suffix}`],
      [`uid=emil,ou=lab,ou=tech,${suffix}`],
    ]);
    expect(await bench.changes((await bench.run('out')).id)).toEqual([]);
    expect(known).toEqual(await linksOf(bench));
  });

  test.each([3, 25])(
    'of %i units that pass their names on in a circle it is known who is in which',
    async (count) => {
      const bench = await makeWorkbench(await makeStore());
      const path = join(folder, 'circle.ldif');
      const { url, adminDn: bindDn, password } = server;
      const node = `ou=circle${count},${suffix}`;
      await server.addLdif(`dn: ${node}\nobjectClass: organizationalUnit\n`);
      await bench.connection('in', { type: 'file', path, baseDn: 'dc=e' });
      await bench.connection('out', { type: 'ldap', url, bindDn, password, baseDn: node });
      await bench.sync('in', { connection: 'in', direction: 'ingress' });
      await bench.sync('out', { connection: 'out', direction: 'egress' });
      const names = Array.from({ length: count }, (_, index) => `unit${index}`);
      const passedOn = [...names.slice(1), 'unit0'];
      for (const each of [names, passedOn]) {
        await writeFile(path, inUnits(each));
        await bench.run('in');
        expect((await bench.run('out')).status).toBe('success');
      }
      const known = await linksOf(bench);
      await bench.run('out');
      expect(known).toEqual(await linksOf(bench));
      const people = (await server.entries()).filter(({ dn }) => dn.startsWith('uid=') && dn.endsWith(node));
      expect(people.map(({ dn }) => dn).sort()).toEqual(
        passedOn.map((name, index) => `uid=p${index},ou=${name},${node}`).sort(),
      );
    },
  );

  test('who is in a unit that is renamed may be renamed with it, and keeps the groups', async () => {
    const bench = await makeWorkbench(await makeStore());
    const path = join(folder, 'renamed.ldif');
    const { url, adminDn: bindDn, password } = server;
    const node = `ou=renamed,${suffix}`;
    await server.addLdif(`dn: ${node}\nobjectClass: organizationalUnit\n`);
    await bench.connection('in', { type: 'file', path, baseDn: 'dc=r' });
    await bench.connection('out', { type: 'ldap', url, bindDn, password, baseDn: node });
    await bench.sync('in', { connection: 'in', direction: 'ingress' });
    await bench.sync('out', { connection: 'out', direction: 'egress' });
    const people = ['ann', 'bob', 'cid', 'dan'].map((uid) => `uid=${uid},ou=eng,dc=r`);
    await writeFile(path, eachInAGroup('eng', [...people, 'uid=eve,dc=r']));
    await bench.run('in');
    await bench.run('out');
    // Two exchange their names, one takes the name that another leaves, and two exchange names and places.
    const renamed = [
      ...['bob', 'ann', 'dan'].map((uid) => `uid=${uid},ou=tech,dc=r`),
      'uid=eve,dc=r',
      'uid=cid,ou=tech,dc=r',
    ];
    await writeFile(path, eachInAGroup('tech', renamed));
    await bench.run('in');
    expect((await bench.run('out')).status).toBe('success');
    const groups = (await server.entries()).filter(({ dn }) => dn.startsWith('cn=') && dn.endsWith(node));
    expect(Object.fromEntries(groups.map(({ dn, attributes }) => [dn, attributes['member']]))).toEqual(
      Object.fromEntries(renamed.map((dn, index) => [`cn=g${index},${node}`, [dn.replace('dc=r', node)]])),
    );
    expect(await bench.changes((await bench.run('out')).id)).toEqual([]);
  });

  test.each(['LDAP', 'LDIF'])(
    'a unit and the one above it exchange names and places in %s, with who is in each',
    async (target) => {
      const bench = await makeWorkbench(await makeStore());
      const [path, written] = [join(folder, 'nested.ldif'), join(folder, 'written.ldif')];
      const { url, adminDn: bindDn, password } = server;
      const node = `ou=nested,${suffix}`;
      if (target === 'LDAP') await server.addLdif(`dn: ${node}\nobjectClass: organizationalUnit\n`);
      await bench.connection('in', { type: 'file', path, baseDn: 'dc=n' });
      const ldap = { type: 'ldap', url, bindDn, password, baseDn: node } as const;
      await bench.connection('out', target === 'LDAP' ? ldap : { type: 'file', path: written, baseDn: node });
      await bench.sync('in', { connection: 'in', direction: 'ingress' });
      await bench.sync('out', { connection: 'out', direction: 'egress' });
      for (const [outer, inner] of [
        [1, 2],
        [2, 1],
      ] as const) {
        await writeFile(path, nested(outer, inner));
        await bench.run('in');
        expect((await bench.run('out')).status).toBe('success');
      }
      const entries =
        target === 'LDAP' ? await server.entries() : parseLdifDump(await readFile(written, 'utf8'));
      const people = entries.filter(({ dn }) => dn.startsWith('uid=') && dn.endsWith(node));
      const [ann, bob] = [`uid=ann,ou=lab,ou=eng,${node}`, `uid=bob,ou=eng,${node}`];
      expect(Object.fromEntries(people.map(({ dn, attributes }) => [dn, attributes['manager']]))).toEqual({
        [ann]: [bob],
        [bob]: [ann],
      });
      expect(await bench.changes((await bench.run('out')).id)).toEqual([]);
    },
  );
});
