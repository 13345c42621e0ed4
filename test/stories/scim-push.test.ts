import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startSlapd, type Slapd } from '../servers/slapd.ts';
import { eventually, startInstallation, type Installation } from './installation.ts';

type Body = Record<string, unknown>;

const urn = {
  user: 'urn:ietf:params:scim:schemas:core:2.0:User',
  enterprise: 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User',
  group: 'urn:ietf:params:scim:schemas:core:2.0:Group',
  patch: 'urn:ietf:params:scim:api:messages:2.0:PatchOp',
};

const patch = (...operations: Body[]): Body => ({ schemas: [urn.patch], Operations: operations });

/** A user as Entra ID provisions one. */
function entraUser(name: string, more: Body = {}): Body {
  return {
    schemas: [urn.user, urn.enterprise],
    externalId: name,
    userName: `${name}@example.com`,
    active: true,
    displayName: name.toUpperCase(),
    emails: [{ primary: true, type: 'work', value: `${name}@example.com` }],
    name: { formatted: `${name} Example`, familyName: 'Example', givenName: name },
    title: 'Engineer',
    ...more,
  };
}

describe('Entra ID pushes by SCIM into Lockstep, and Lockstep writes to OpenLDAP', () => {
  let slapd: Slapd;
  let lockstep: Installation;
  let token: string;

  beforeAll(async () => {
    [slapd, lockstep] = await Promise.all([
      startSlapd({ suffix: 'dc=replica,dc=org', dbnosync: true }),
      startInstallation(),
    ]);
    const { api } = lockstep;
    await api('PUT', '/connections/entra', { type: 'scim_server', profile: 'entra' });
    await api('PUT', '/connections/replica', {
      type: 'ldap',
      url: slapd.url,
      bindDn: slapd.adminDn,
      password: slapd.password,
      baseDn: slapd.suffix,
    });
    await api('PUT', '/syncs/entra-in', {
      connection: 'entra',
      direction: 'ingress',
      onMissing: 'delete',
      guard: { user: { count: 1 } },
    });
    await api('PUT', '/syncs/replica-out', {
      connection: 'replica',
      direction: 'egress',
      onMissing: 'delete',
      continuous: true,
    });
    ({ token } = await api<{ token: string }>('POST', '/connections/entra/tokens', {}));
  });

  afterAll(async () => {
    await lockstep[Symbol.asyncDispose]();
    await slapd.stop();
  });

  async function push(
    method: string,
    path: string,
    body?: unknown,
  ): Promise<{ status: number; headers: Headers; body: Body }> {
    const response = await fetch(`${lockstep.address}/scim/v2/entra${path}`, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/scim+json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      body: text === '' ? {} : (JSON.parse(text) as Body),
    };
  }

  async function pushUser(name: string, more: Body = {}): Promise<string> {
    const { status, body } = await push('POST', '/Users', entraUser(name, more));
    expect(status).toBe(201);
    return String(body['id']);
  }

  /** Waits until an entry is (or is not) in the LDAP directory as wanted. */
  async function awaitEntry(filter: string, wanted: RegExp | null): Promise<string> {
    return eventually(`${filter} in LDAP`, async () => {
      const found = await slapd.tool('ldapsearch', [
        '-LLL',
        '-o',
        'ldif-wrap=no',
        '-b',
        slapd.suffix,
        filter,
      ]);
      if (wanted === null) return found.trim() === '' ? 'gone' : undefined;
      return wanted.test(found) ? found : undefined;
    });
  }

  const ids: Record<string, string> = {};

  test('people and a group arrive', async () => {
    for (const name of ['ada', 'bob', 'cyd']) ids[name] = await pushUser(name);
    const { status, body } = await push('POST', '/Groups', {
      schemas: [urn.group],
      externalId: 'staff',
      displayName: 'staff',
    });
    expect(status).toBe(201);
    ids['staff'] = String(body['id']);
    const added = await push(
      'PATCH',
      `/Groups/${ids['staff']}`,
      patch({ op: 'Add', path: 'members', value: [{ value: ids['ada'] }, { value: ids['bob'] }] }),
    );
    expect([200, 204]).toContain(added.status);
    const ada = await awaitEntry('(mail=ada@example.com)', /title: Engineer/);
    expect(ada).toMatch(/^sn: Example$/m);
    expect(ada).toMatch(/^givenName: ada$/m);
    const staff = await awaitEntry('(cn=staff)', /member: .*bob/);
    expect(staff.match(/^member: /gm)).toHaveLength(2);
  });

  test('the pushes of an interval are one job, with its outcomes', async () => {
    const job = await lockstep.awaitJob('entra-in', ({ statistics }) => statistics.user.created.success > 0);
    expect(job).toMatchObject({ status: 'success', startedThrough: 'push', startedBy: null });
  });

  test('changes follow, members one by one', async () => {
    await push('PATCH', `/Users/${ids['ada']}`, patch({ op: 'Replace', path: 'title', value: 'Chief' }));
    await push(
      'PATCH',
      `/Groups/${ids['staff']}`,
      patch({ op: 'Remove', path: `members[value eq "${ids['bob']}"]` }),
    );
    await awaitEntry('(mail=ada@example.com)', /title: Chief/);
    const staff = await eventually('one member', async () => {
      const found = await awaitEntry('(cn=staff)', /member: /);
      return found.match(/^member: /gm)?.length === 1 ? found : undefined;
    });
    expect(staff).toMatch(/member: .*ada/);
    const job = await lockstep.awaitJob('entra-in', ({ statistics }) => statistics.user.updated.success > 0);
    expect(job.statistics.user.same.total).toBe(0);
  });

  test('a group that is deleted and made anew by its name at once has the members that it is given then', async () => {
    const pushCrew = async (...names: string[]): Promise<string> => {
      const members = names.map((name) => ({ value: ids[name] }));
      const { status, body } = await push('POST', '/Groups', {
        schemas: [urn.group],
        displayName: 'crew',
        members,
      });
      expect(status).toBe(201);
      return String(body['id']);
    };
    const first = await pushCrew('ada', 'bob', 'cyd');
    await awaitEntry('(cn=crew)', /member: [^]*member: [^]*member: /);
    expect((await push('DELETE', `/Groups/${first}`)).status).toBe(204);
    const second = await pushCrew('ada');
    const crew = await eventually('one member', async () => {
      const found = await awaitEntry('(cn=crew)', /member: /);
      return found.match(/^member: /gm)?.length === 1 ? found : undefined;
    });
    expect(crew).toMatch(/member: .*ada/);
    expect((await push('DELETE', `/Groups/${second}`)).status).toBe(204);
    await awaitEntry('(cn=crew)', null);
  });

  test('one who is deleted goes, and is not found any more', async () => {
    expect((await push('DELETE', `/Users/${ids['cyd']}`)).status).toBe(204);
    expect((await push('GET', `/Users/${ids['cyd']}`)).status).toBe(404);
    await awaitEntry('(mail=cyd@example.com)', null);
  });

  test('a deletion that the guard holds is answered with 503 until it is approved', async () => {
    const held = await push('DELETE', `/Users/${ids['bob']}`);
    expect(held.status).toBe(503);
    expect(Number(held.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(held.body).toMatchObject({ status: '503', detail: expect.stringContaining('approval') });
    expect((await push('GET', `/Users/${ids['bob']}`)).status).toBe(200);
    const job = await lockstep.awaitJob('entra-in', ({ status }) => status === 'held');
    expect(job.statistics.user.deleted).toMatchObject({ total: 1, skipped: 1 });
    await awaitEntry('(mail=bob@example.com)', /mail: bob/);
    expect((await push('DELETE', `/Users/${ids['bob']}`)).status).toBe(503);
    // What takes nothing away goes on meanwhile.
    const again = patch({ op: 'Add', path: 'members', value: [{ value: ids['ada'] }] });
    expect((await push('PATCH', `/Groups/${ids['staff']}`, again)).status).toBeLessThan(300);
    const { job: approving } = await lockstep.api<{ job: { id: string } }>(
      'POST',
      `/jobs/${job.id}/approve`,
      {},
    );
    const approved = await lockstep.awaitEnd(approving.id);
    expect(approved).toMatchObject({ status: 'success', error: null });
    await awaitEntry('(mail=bob@example.com)', null);
    expect((await push('DELETE', `/Users/${ids['bob']}`)).status).toBe(204);
    expect((await push('DELETE', `/Users/${ids['bob']}`)).status).toBe(404);
  });
});
