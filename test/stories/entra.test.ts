import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startSlapd, type Slapd } from '../servers/slapd.ts';
import { startGraphSimulator, type GraphSimulator } from '../simulators/graph/simulator.ts';
import { startInstallation, type Installation } from './installation.ts';

const company = `dn: dc=example,dc=com
objectClass: domain
dc: example

dn: ou=people,dc=example,dc=com
objectClass: organizationalUnit
ou: people

dn: uid=ada,ou=people,dc=example,dc=com
objectClass: inetOrgPerson
uid: ada
cn: Ada Lovelace
sn: Lovelace
givenName: Ada
mail: ada@contoso.example
title: Analyst
telephoneNumber: +44 1
telephoneNumber: +44 2
manager: uid=bob,ou=people,dc=example,dc=com

dn: uid=bob,ou=people,dc=example,dc=com
objectClass: inetOrgPerson
uid: bob
cn: Bob Builder
sn: Builder
mail: bob@elsewhere.example

dn: cn=team,dc=example,dc=com
objectClass: groupOfNames
cn: team
member: uid=ada,ou=people,dc=example,dc=com
member: cn=chiefs,dc=example,dc=com

dn: cn=chiefs,dc=example,dc=com
objectClass: groupOfNames
cn: chiefs
member: uid=bob,ou=people,dc=example,dc=com
`;

function entraConnection(graph: GraphSimulator): Record<string, unknown> {
  const { tenantId, clientId, clientSecret, graphUrl, authorityUrl, caFile } = graph;
  return { type: 'entra_id', tenantId, clientId, clientSecret, graphUrl, authorityUrl, caFile };
}

function ldapConnection(slapd: Slapd): Record<string, unknown> {
  const { url, adminDn: bindDn, password, suffix: baseDn } = slapd;
  return { type: 'ldap', url, bindDn, password, baseDn };
}

describe('LDAP to Entra ID', () => {
  let slapd: Slapd;
  let graph: GraphSimulator;
  let lockstep: Installation;

  beforeAll(async () => {
    [slapd, graph, lockstep] = await Promise.all([
      startSlapd({ ldif: company, dbnosync: true }),
      startGraphSimulator(),
      startInstallation(),
    ]);
    await lockstep.api('PUT', '/connections/corp', ldapConnection(slapd));
    await lockstep.api('PUT', '/connections/entra', entraConnection(graph));
    await lockstep.api('PUT', '/syncs/corp-in', {
      connection: 'corp',
      direction: 'ingress',
      onMissing: 'delete',
    });
    await lockstep.api('PUT', '/syncs/entra-out', {
      connection: 'entra',
      direction: 'egress',
      onMissing: 'delete',
    });
  });

  afterAll(async () => {
    await lockstep[Symbol.asyncDispose]();
    await graph.stop();
    await slapd.stop();
  });

  const user = (name: string) => {
    const found = graph.directory.list('user').find(({ properties }) => properties['displayName'] === name);
    if (found === undefined) throw new Error(`${name} is not in Entra ID`);
    return found;
  };

  test('the connection is tested step by step', async () => {
    const { ok, steps } = await lockstep.api<{ ok: boolean; steps: { step: string }[] }>(
      'POST',
      '/connections/entra/test',
      {},
    );
    expect({ ok, steps: steps.map(({ step }) => step) }).toEqual({
      ok: true,
      steps: ['dns', 'tcp', 'tls', 'token', 'read'],
    });
  });

  test('people, managers and nested groups arrive by the documented defaults', async () => {
    expect(await lockstep.run('corp-in')).toMatchObject({ status: 'success' });
    const job = await lockstep.run('entra-out');
    expect(job).toMatchObject({ status: 'success', error: null });
    expect(job.statistics.user.created).toMatchObject({ total: 2, success: 2 });
    expect(job.statistics.membership.created).toMatchObject({ total: 3, success: 3 });
    const ada = user('Ada Lovelace');
    expect(ada.properties).toMatchObject({
      userPrincipalName: 'ada@contoso.example',
      mailNickname: 'ada',
      givenName: 'Ada',
      surname: 'Lovelace',
      jobTitle: 'Analyst',
      businessPhones: ['+44 1'],
      accountEnabled: true,
    });
    const bob = user('Bob Builder');
    expect(bob.properties['userPrincipalName']).toBe('bob@contoso.onmicrosoft.com');
    expect(ada.manager).toBe(bob.id);
    const team = graph.directory.findByName('group', 'team');
    const chiefs = graph.directory.findByName('group', 'chiefs');
    expect(new Set(team?.members)).toEqual(new Set([ada.id, chiefs?.id]));
    expect(chiefs?.members).toEqual([bob.id]);
  });

  test('an unchanged directory costs no write and no request per user', async () => {
    await lockstep.run('entra-out');
    graph.requests.reset();
    const job = await lockstep.run('entra-out');
    expect(job.status).toBe('success');
    expect(job.statistics.user.same.total).toBe(2);
    expect(graph.requests.writes()).toEqual([]);
    expect(graph.requests.count({ path: /^\/(v1\.0\/)?users\/(?!delta)/ })).toBe(0);
  });

  test('changes and deletions follow, and what somebody changed there is mended', async () => {
    graph.directory.update(user('Ada Lovelace').id, { jobTitle: 'Nobody' });
    await slapd.addLdif(
      'dn: uid=ada,ou=people,dc=example,dc=com\nchangetype: modify\nreplace: givenName\ngivenName: Augusta\n',
    );
    await slapd.addLdif('dn: cn=chiefs,dc=example,dc=com\nchangetype: delete\n');
    await lockstep.run('corp-in');
    expect(await lockstep.run('entra-out')).toMatchObject({ status: 'success' });
    expect(user('Ada Lovelace').properties).toMatchObject({ givenName: 'Augusta', jobTitle: 'Analyst' });
    expect(graph.directory.list('group').map(({ properties }) => properties['displayName'])).toEqual([
      'team',
    ]);
  });
});

describe('Entra ID to LDAP', () => {
  let slapd: Slapd;
  let graph: GraphSimulator;
  let lockstep: Installation;

  beforeAll(async () => {
    [slapd, graph, lockstep] = await Promise.all([
      startSlapd({ suffix: 'dc=replica,dc=org', dbnosync: true }),
      startGraphSimulator({
        behaviour: {
          deltaPageSize: 2,
          deltaMembersPerObject: 1,
          deltaRepeatsObjects: true,
          deltaReplays: true,
        },
      }),
      startInstallation(),
    ]);
    graph.directory.seed({
      users: [
        {
          userPrincipalName: 'ada@contoso.example',
          displayName: 'Ada',
          mail: 'ada@contoso.example',
          manager: 'bob@contoso.example',
        },
        { userPrincipalName: 'bob@contoso.example', displayName: 'Bob', jobTitle: 'Chief' },
        { userPrincipalName: 'cyd@contoso.example', displayName: 'Cyd' },
      ],
      groups: [
        { displayName: 'inner', members: ['cyd@contoso.example'] },
        { displayName: 'staff', members: ['ada@contoso.example', 'bob@contoso.example', 'inner'] },
      ],
    });
    await lockstep.api('PUT', '/connections/entra', entraConnection(graph));
    await lockstep.api('PUT', '/connections/replica', ldapConnection(slapd));
    await lockstep.api('PUT', '/syncs/entra-in', {
      connection: 'entra',
      direction: 'ingress',
      onMissing: 'delete',
    });
    await lockstep.api('PUT', '/syncs/replica-out', {
      connection: 'replica',
      direction: 'egress',
      onMissing: 'delete',
    });
  });

  afterAll(async () => {
    await lockstep[Symbol.asyncDispose]();
    await graph.stop();
    await slapd.stop();
  });

  const search = async (filter: string): Promise<string> =>
    slapd.tool('ldapsearch', ['-LLL', '-o', 'ldif-wrap=no', '-b', slapd.suffix, filter]);

  test('people, managers and nested groups arrive', async () => {
    const job = await lockstep.run('entra-in');
    expect(job).toMatchObject({ status: 'success', changesOnly: false });
    expect(job.statistics.user.created.success).toBe(3);
    expect(job.statistics.membership.created.success).toBe(4);
    expect(await lockstep.run('replica-out')).toMatchObject({ status: 'success' });
    expect(await search('(uid=ada@contoso.example)')).toMatch(/^manager: uid=bob@contoso\.example,/m);
    expect(await search('(uid=bob@contoso.example)')).toMatch(/^title: Chief$/m);
    const staff = await search('(cn=staff)');
    expect(staff.match(/^member: /gm)).toHaveLength(3);
    expect(staff).toMatch(/^member: cn=inner,/m);
  });

  test('a later run reads what changed', async () => {
    graph.directory.update('ada@contoso.example', { jobTitle: 'Analyst' });
    graph.directory.delete('cyd@contoso.example');
    graph.directory.removeMember(groupId('staff'), userId('bob@contoso.example'));
    const job = await lockstep.run('entra-in');
    expect(job).toMatchObject({ status: 'success', changesOnly: true });
    expect(job.statistics.user.updated.success).toBe(1);
    expect(job.statistics.user.deleted.success).toBe(1);
    expect(await lockstep.run('replica-out')).toMatchObject({ status: 'success' });
    expect(await search('(uid=ada@contoso.example)')).toMatch(/^title: Analyst$/m);
    expect(await search('(uid=cyd@contoso.example)')).toBe('');
    expect(await search('(cn=staff)')).not.toMatch(/^member: uid=bob/m);
  });

  test('tokens that are no longer good lead to a whole round, and to no deletion', async () => {
    graph.killDeltaTokens();
    graph.directory.update('ada@contoso.example', { jobTitle: 'Countess' });
    const job = await lockstep.run('entra-in');
    expect(job).toMatchObject({ status: 'success' });
    expect(job.statistics.user).toMatchObject({ updated: { success: 1 }, deleted: { total: 0 } });
  });

  function userId(name: string): string {
    return graph.directory.get(name).id;
  }

  function groupId(name: string): string {
    return graph.directory.findByName('group', name)?.id ?? '';
  }
});
