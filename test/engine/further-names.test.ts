import { afterAll, beforeAll, expect, test } from 'vitest';
import { startSlapd, type Slapd } from '../servers/slapd.ts';
import { describeOnBothStores } from '../servers/stores.ts';
import { makeWorkbench } from '../workbench.ts';

const source = `dn: dc=example,dc=com
objectClass: dcObject
objectClass: organization
dc: example
o: Example

dn: ou=people,dc=example,dc=com
objectClass: organizationalUnit
ou: people
ou: staff

dn: uid=ann,ou=people,dc=example,dc=com
objectClass: inetOrgPerson
uid: ann
uid: anna
cn: Ann
sn: Lee

dn: cn=admins,dc=example,dc=com
objectClass: groupOfNames
cn: admins
cn: root
member: uid=ann,ou=people,dc=example,dc=com
`;

describeOnBothStores('entries that have more than one name', (makeStore) => {
  let corp: Slapd;
  let replica: Slapd;
  beforeAll(async () => {
    corp = await startSlapd({ dbnosync: true, ldif: source });
    replica = await startSlapd({ dbnosync: true });
  });
  afterAll(() => Promise.all([corp.stop(), replica.stop()]));

  const namesOf = async (dn: string, attribute: string): Promise<string[] | undefined> => {
    const entry = (await replica.entries()).find((each) => each.dn === `${dn},${replica.suffix}`);
    return entry?.attributes[attribute]?.map(String).toSorted();
  };

  test('keep all of them on the way to another server', async () => {
    const bench = await makeWorkbench(await makeStore());
    for (const [name, server, direction] of [
      ['in', corp, 'ingress'],
      ['out', replica, 'egress'],
    ] as const) {
      const { url, adminDn: bindDn, password, suffix: baseDn } = server;
      await bench.connection(name, { type: 'ldap', url, bindDn, password, baseDn });
      await bench.sync(name, { connection: name, direction });
      expect((await bench.run(name)).status).toBe('success');
    }
    expect(await namesOf('ou=people', 'ou')).toEqual(['people', 'staff']);
    expect(await namesOf('uid=ann,ou=people', 'uid')).toEqual(['ann', 'anna']);
    expect(await namesOf('cn=admins', 'cn')).toEqual(['admins', 'root']);
    expect(await bench.changes((await bench.run('out')).id)).toEqual([]);
  });
});
