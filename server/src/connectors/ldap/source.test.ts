import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ldapConnectionSchema, type LdapConnection } from '@lockstep/contract/connection-configuration.ts';
import { startSlapd, type Slapd } from '../../../../test/servers/slapd.ts';
import type { Completeness, Endpoint, ExternalObject, RawEntry, ReadRequest } from '../../sync/connector.ts';
import { ldapConnector } from './connector.ts';

const suffix = 'dc=example,dc=com';
const photo = Buffer.from([0xff, 0xd8, 0xff, 0xe0, 0, 16, 74, 70]);

const tree = `dn: ${suffix}
objectClass: dcObject
objectClass: organization
o: Example
dc: example

dn: ou=People,${suffix}
objectClass: organizationalUnit
ou: People
ou: Folk

dn: ou=Berlin\\, Mitte,ou=People,${suffix}
objectClass: organizationalUnit
ou: Berlin, Mitte

dn: uid=JDoe,ou=Berlin\\2C Mitte,ou=People,${suffix}
objectClass: inetOrgPerson
uid: JDoe
cn: Jane Doe
cn: Jane Q. Doe
sn: Doe
mail: jane@example.com
employeeType: locked
jpegPhoto:: ${photo.toString('base64')}

dn: cn=Müller\\+Söhne,ou=People,${suffix}
objectClass: person
cn: Müller+Söhne
sn: Müller
description:  blank before

dn: cn=staff,${suffix}
objectClass: groupOfNames
cn: staff
member: cn=staff,${suffix}
member: UID=jdoe, OU=Berlin\\, Mitte, OU=People, ${suffix}
member: cn=nobody,${suffix}

dn: cn=admins,${suffix}
objectClass: groupOfUniqueNames
cn: admins
uniqueMember: uid=JDoe,ou=Berlin\\, Mitte,ou=People,${suffix}#'0101'B

dn: cn=posix,${suffix}
objectClass: posixGroup
cn: posix
gidNumber: 100
memberUid: JDoe

dn: cn=admin,${suffix}
objectClass: organizationalRole
cn: admin
`;

let server: Slapd;
beforeAll(async () => {
  server = await startSlapd({
    ldif: tree.replace(
      /^(dn|cn|sn|description): (.*[^\0-\x7f].*|\s.*)$/gm,
      (_, name: string, value: string) => `${name}:: ${Buffer.from(value).toString('base64')}`,
    ),
    dbnosync: true,
  });
});
afterAll(() => server.stop());

function settings(more: Partial<Record<keyof LdapConnection, unknown>> = {}): LdapConnection {
  return ldapConnectionSchema.parse({
    type: 'ldap',
    url: server.url,
    bindDn: server.adminDn,
    password: server.password,
    baseDn: suffix,
    ...more,
  });
}

const context = { baseDirectory: '/', secret: () => undefined };
const open = (more?: Partial<Record<keyof LdapConnection, unknown>>): Promise<Endpoint> =>
  ldapConnector.open(settings(more), context);

function request(more: Partial<ReadRequest> = {}): ReadRequest {
  return {
    scopes: [{ node: suffix }],
    attributes: {
      user: ['uid', 'CN', 'sn', 'mail', 'jpegPhoto', 'description'],
      organizationalUnit: ['ou'],
      group: ['cn'],
    },
    memberships: true,
    signal: new AbortController().signal,
    ...more,
  };
}

async function readAll(
  endpoint: Endpoint,
  wanted: ReadRequest,
): Promise<{ raw: RawEntry[]; objects: ExternalObject[]; completeness: Completeness }> {
  const raw: RawEntry[] = [];
  const stream = endpoint.read(wanted);
  for (;;) {
    const step = await stream.next();
    if (step.done) return { raw, objects: raw.map((entry) => entry.decode()), completeness: step.value };
    raw.push(...step.value);
  }
}

async function filtered(...filters: string[]): Promise<Completeness> {
  const scopes = filters.map((filter) => ({ node: suffix, filter }));
  return (await readAll(await open(), request({ scopes }))).completeness;
}

describe('reading', () => {
  test('everything beneath the node, each of its kind, with references, names and parents', async () => {
    const { raw, objects, completeness } = await readAll(await open(), request());
    expect(completeness).toEqual({ complete: true, reason: undefined, warnings: [] });
    const seen = raw.map(({ kind }, index) => [kind, objects[index]?.name, objects[index]?.parents.length]);
    expect(seen.sort((a, b) => String(a).localeCompare(String(b)))).toEqual([
      ['group', 'cn=admins', 0],
      ['group', 'cn=posix', 0],
      ['group', 'cn=staff', 0],
      ['organizationalUnit', 'ou=Berlin\\2C Mitte', 1],
      ['organizationalUnit', 'ou=People', 0],
      ['user', expect.stringMatching(/^cn=M/), 1],
      ['user', 'uid=JDoe', 2],
    ]);
    const jane = objects.find(({ name }) => name === 'uid=JDoe');
    expect(jane).toMatchObject({
      reference: `uid=jdoe,ou=berlin\\, mitte,ou=people,${suffix}`,
      parents: [`ou=berlin\\, mitte,ou=people,${suffix}`, `ou=people,${suffix}`],
      alias: 'uid:jdoe',
      attributes: {
        uid: ['JDoe'],
        CN: ['Jane Doe', 'Jane Q. Doe'],
        mail: ['jane@example.com'],
        jpegPhoto: [photo],
        objectClass: ['inetOrgPerson'],
      },
    });
    expect(jane?.attributes).not.toHaveProperty('entryUUID');
    expect(jane).not.toHaveProperty('members');
    const odd = objects.find(({ name }) => name.startsWith('cn=M'));
    expect(odd?.attributes).toMatchObject({ CN: ['Müller+Söhne'], description: [' blank before'] });
    expect(new Set(objects.map(({ reference }) => reference)).size).toBe(7);
  });

  test('attributes may be asked for by any of their names, and by several', async () => {
    const names = ['surname', 'sn', 'commonName', '0.9.2342.19200300.100.1.3'];
    const attributes = { user: names, organizationalUnit: [], group: [] };
    const { objects } = await readAll(await open(), request({ attributes }));
    expect(objects.find(({ name }) => name === 'uid=JDoe')?.attributes).toEqual({
      surname: ['Doe'],
      sn: ['Doe'],
      commonName: ['Jane Doe', 'Jane Q. Doe'],
      '0.9.2342.19200300.100.1.3': ['jane@example.com'],
      objectClass: ['inetOrgPerson'],
    });
  });

  test('external ids are entryUUIDs, and where the server has none, normalised DNs', async () => {
    const { raw } = await readAll(await open(), request());
    for (const { externalId } of raw) expect(externalId).toMatch(/^[0-9a-f-]{36}$/);
    const without = await readAll(await open({ externalIdAttribute: 'nsUniqueId' }), request());
    expect(without.raw.map(({ externalId }) => externalId)).toContain(`cn=staff,${suffix}`);
    expect(without.raw.map(({ externalId }) => externalId)).toEqual(
      without.objects.map(({ reference }) => reference),
    );
  });

  test('members of all group classes, without placeholders, and none when they are not wanted', async () => {
    const { objects } = await readAll(await open(), request());
    const jane = `uid=jdoe,ou=berlin\\, mitte,ou=people,${suffix}`;
    const members = (name: string): readonly string[] | undefined =>
      objects.find((object) => object.name === name)?.members;
    expect(members('cn=staff')).toEqual([jane, `cn=nobody,${suffix}`]);
    expect(members('cn=admins')).toEqual([jane]);
    expect(members('cn=posix')).toEqual(['uid:jdoe']);
    const configured = await readAll(
      await open({ group: { placeholderMember: `CN=nobody, ${suffix}` } }),
      request(),
    );
    expect(configured.objects.find(({ name }) => name === 'cn=staff')?.members).toEqual([jane]);
    const none = await readAll(await open(), request({ memberships: false }));
    expect(none.objects.every((object) => object.members === undefined)).toBe(true);
  });

  test('a filter limits users and groups, never organizational units', async () => {
    const { raw, objects } = await readAll(
      await open(),
      request({ scopes: [{ node: suffix, filter: 'mail=*' }] }),
    );
    expect(raw.map(({ kind }) => kind).sort()).toEqual(['organizationalUnit', 'organizationalUnit', 'user']);
    expect(objects.find((_, index) => raw[index]?.kind === 'user')?.name).toBe('uid=JDoe');
  });

  test('a filter that names an attribute which the server does not know makes the read incomplete', async () => {
    const misspelt = await filtered('mail=*', '(&(sn=Doe)(!(departmnet;lang-de=Sales)))');
    expect(misspelt.complete).toBe(false);
    expect(misspelt.reason).toContain('departmnet;lang-de');
    const known =
      '(&(surname=*)(2.5.4.4=*)(userCertificate;binary=*)(ou:dn:=People)(entryUUID=*)(:dn:2.4.6.8.10:=x))';
    expect(await filtered(known)).toMatchObject({ complete: true });
  });

  test('several scopes, each entry with its index and its own parents', async () => {
    const { raw, objects } = await readAll(
      await open(),
      request({ scopes: [{ node: `OU=people,${suffix}` }, { node: `cn=staff,${suffix}` }] }),
    );
    expect(raw.map(({ scope }) => scope)).toEqual([0, 0, 0]);
    expect(objects.map(({ parents }) => parents.length).sort((a, b) => a - b)).toEqual([0, 0, 1]);
  });

  test('fingerprints are stable, differ between entries, and cover changes', async () => {
    const endpoint = await open();
    const fingerprints = async (): Promise<Map<string, string>> =>
      new Map(
        (await readAll(endpoint, request())).raw.map(({ externalId, fingerprint }) => [
          externalId,
          fingerprint,
        ]),
      );
    const first = await fingerprints();
    expect([...first.values()].every((text) => text.length === 32)).toBe(true);
    expect(new Set(first.values()).size).toBe(first.size);
    expect(await fingerprints()).toEqual(first);
    await server.addLdif(`dn: ou=People,${suffix}\nchangetype: modify\nreplace: ou\nou: People\n`);
    const second = await fingerprints();
    const changed = [...second].filter(([id, text]) => first.get(id) !== text);
    expect(changed).toHaveLength(1);
  });

  test('the account state shows in the configured attribute', async () => {
    const { objects } = await readAll(
      await open({ disabled: { attribute: 'employeetype', value: 'LOCKED' } }),
      request(),
    );
    const state = (name: RegExp): boolean | undefined =>
      objects.find((object) => name.test(object.name))?.enabled;
    expect([state(/JDoe/), state(/^cn=M/), state(/staff/)]).toEqual([false, true, undefined]);
  });

  test('a node that does not exist is an error that names it', async () => {
    const missing = request({ scopes: [{ node: `ou=gone,${suffix}` }] });
    await expect(readAll(await open(), missing)).rejects.toMatchObject({
      code: 'NotFound',
      message: expect.stringContaining(`ou=gone,${suffix}`) as string,
    });
  });

  test('an entry whose kind cannot be told makes the read incomplete', async () => {
    const { completeness } = await readAll(
      await open({ user: { readObjectClasses: ['top'] } }),
      request({ scopes: [{ node: `cn=admin,${suffix}` }, { node: suffix }] }),
    );
    expect(completeness.complete).toBe(false);
    expect(completeness.reason).toContain('readObjectClasses');
  });
});

describe('completeness', () => {
  test('a size limit of the server leaves the read incomplete, with the entries that came', async () => {
    await using limited = await startSlapd({
      ldif: `dn: ${suffix}\nobjectClass: dcObject\nobjectClass: organization\no: x\ndc: example\n${Array.from(
        { length: 30 },
        (_, index) => `\ndn: ou=${index},${suffix}\nobjectClass: organizationalUnit\nou: ${index}\n`,
      ).join('')}`,
      extraConfig: 'limits users size=10\naccess to * by * read\n',
      dbnosync: true,
    });
    const endpoint = await ldapConnector.open(
      ldapConnectionSchema.parse({ type: 'ldap', url: limited.url, baseDn: suffix }),
      context,
    );
    await limited.addLdif(
      `dn: cn=reader,${suffix}\nobjectClass: organizationalRole\nobjectClass: simpleSecurityObject\ncn: reader\nuserPassword: r\n`,
    );
    const bound = await ldapConnector.open(
      ldapConnectionSchema.parse({
        type: 'ldap',
        url: limited.url,
        baseDn: suffix,
        bindDn: `cn=reader,${suffix}`,
        password: 'r',
      }),
      context,
    );
    const { raw, completeness } = await readAll(bound, request());
    expect(completeness.complete).toBe(false);
    expect(completeness.reason).toMatch(/sizeLimitExceeded.*smaller pageSize/);
    expect(raw.length).toBeGreaterThan(0);
    expect((await readAll(endpoint, request())).completeness.complete).toBe(true);
  });

  test('a referral leaves it incomplete, is followed, or is ignored, as configured', async () => {
    await using other = await startSlapd({
      suffix: `ou=far,${suffix}`,
      ldif: `dn: ou=far,${suffix}\nobjectClass: organizationalUnit\nou: far\n\ndn: uid=f,ou=far,${suffix}\nobjectClass: inetOrgPerson\nuid: f\ncn: f\nsn: f\n`,
      globalConfig: '',
      dbnosync: true,
    });
    await using near = await startSlapd({
      ldif: `dn: ${suffix}\nobjectClass: dcObject\nobjectClass: organization\no: x\ndc: example\n\ndn: ou=far,${suffix}\nobjectClass: referral\nobjectClass: extensibleObject\nou: far\nref: ${other.url}/ou=far,${suffix}\n`,
      dbnosync: true,
    });
    const read = async (referrals: string): ReturnType<typeof readAll> => {
      const parsed = ldapConnectionSchema.parse({ type: 'ldap', url: near.url, baseDn: suffix, referrals });
      return readAll(await ldapConnector.open(parsed, context), request());
    };
    const reported = await read('report');
    expect(reported.raw).toHaveLength(0);
    expect(reported.completeness.complete).toBe(false);
    expect(reported.completeness.reason).toContain(other.url);
    expect((await read('ignore')).completeness.complete).toBe(true);
    const followed = await read('follow');
    expect(followed.completeness.complete).toBe(true);
    expect(followed.objects.map(({ reference }) => reference)).toEqual([
      `ou=far,${suffix}`,
      `uid=f,ou=far,${suffix}`,
    ]);
    const present = async (referrals: string): Promise<unknown> => {
      const parsed = ldapConnectionSchema.parse({ type: 'ldap', url: near.url, baseDn: suffix, referrals });
      await using endpoint = await ldapConnector.open(parsed, context);
      const scopes = [{ node: `ou=far,${suffix}` }];
      const keys = followed.raw.map(({ kind, externalId }) => ({ kind, externalId }));
      return endpoint.findPresent?.(scopes, keys, new AbortController().signal);
    };
    expect(await present('follow')).toMatchObject([{ kind: 'user' }]);
    await expect(present('report')).rejects.toMatchObject({ code: 'IncompleteRead' });
  });

  test('a server that goes away in the middle is an error, never an end', async () => {
    await using doomed = await startSlapd({
      ldif: `dn: ${suffix}\nobjectClass: dcObject\nobjectClass: organization\no: x\ndc: example\n${Array.from(
        { length: 500 },
        (_, index) => `\ndn: ou=${index},${suffix}\nobjectClass: organizationalUnit\nou: ${index}\n`,
      ).join('')}`,
      dbnosync: true,
    });
    const parsed = ldapConnectionSchema.parse({
      type: 'ldap',
      url: doomed.url,
      baseDn: suffix,
      pageSize: 10,
    });
    const wide = await ldapConnector.open(parsed, context);
    const stream = wide.read(request({ scopes: Array.from({ length: 40 }, () => ({ node: suffix })) }));
    await stream.next();
    await doomed.halt('SIGKILL');
    const drain = async (): Promise<void> => {
      while (!(await stream.next()).done);
    };
    await expect(drain()).rejects.toMatchObject({ code: 'ConnectionFailed' });
  });
});
