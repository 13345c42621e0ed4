import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startSlapd } from '../servers/slapd.ts';
import type { Slapd } from '../servers/slapd.ts';
import { describeOnBothStores } from '../servers/stores.ts';
import { makeWorkbench } from '../workbench.ts';

const suffix = 'dc=example,dc=com';

function entry(id: number, dn: string, ...lines: string[]): string {
  return [`dn: ${dn}`, `entryUUID: 00000000-0000-4000-8000-00000000000${id}`, ...lines, '', ''].join('\n');
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
    const entries = await server.entries();
    const groups = entries.filter(({ dn }) => dn.startsWith('cn='));
    expect(groups.map(({ attributes }) => attributes['member']?.map(String))).toEqual([
      [`uid=emil,ou=lab,ou=tech,${suffix}`],
      [`uid=emil,ou=lab,ou=tech,${suffix}`],
    ]);
    expect(await bench.changes((await bench.run('out')).id)).toEqual([]);
  });
});
