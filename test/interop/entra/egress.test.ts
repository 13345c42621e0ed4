import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { brief } from '../../workbench.ts';
import { type Company, group, makeCompany, openCompanyStore, person } from './company.ts';

let opened: Awaited<ReturnType<typeof openCompanyStore>>;
let company: Company;
beforeAll(async () => {
  opened = await openCompanyStore();
});
afterAll(() => opened[Symbol.asyncDispose]());
afterEach(() => company[Symbol.asyncDispose]());

function users(): Record<string, Record<string, unknown>> {
  const { directory } = company.graph;
  return Object.fromEntries(
    directory
      .list('user')
      .map(({ properties }) => [String(properties['userPrincipalName']).split('@')[0], properties]),
  );
}

function managerOf(name: string): unknown {
  const { directory } = company.graph;
  const { manager } = directory.get(`${name}@contoso.example`);
  return manager === undefined ? undefined : directory.get(manager).properties['userPrincipalName'];
}

const elsewhere = (id: string) => person(id, { mail: `${id}@elsewhere.example` });
const team = (...members: string[]) => group('Team', members);

describe('from the directory to Entra ID', () => {
  test('people, groups, members and managers arrive, and a second run writes and asks nothing', async () => {
    company = await makeCompany(opened.store);
    await company.load([
      person('ann', { phoneNumber: ['+1 5', '+1 6'], title: 'Boss', organizationalUnitName: 'Sales' }),
      person('ben', { manager: 'ann' }, false),
      person('cid', { mail: 'cid@elsewhere.example', manager: 'ben' }),
      group('Team', ['ann', 'ben']),
      group('All', ['group:Team', 'cid']),
    ]);
    const job = await company.run('entra-out');
    expect(await company.failures(job)).toEqual([]);
    expect(job.status).toBe('success');
    expect(users()).toMatchObject({
      ann: {
        businessPhones: ['+1 5'],
        jobTitle: 'Boss',
        department: 'Sales',
        surname: 'Doe',
        accountEnabled: true,
      },
      ben: { accountEnabled: false, userPrincipalName: 'ben@contoso.example' },
      cid: { userPrincipalName: 'cid@contoso.onmicrosoft.com' },
    });
    expect(managerOf('ben')).toBe('ann@contoso.example');
    const { directory, requests } = company.graph;
    expect(directory.findByName('group', 'All')?.members).toHaveLength(2);
    requests.reset();
    const again = await company.run('entra-out');
    expect(brief(again.statistics)).toMatchObject({ 'user same': '3/0/0', 'group same': '2/0/0' });
    expect(requests.writes()).toEqual([]);
    expect(requests.summary()).toEqual({ 'GET /users/delta': 1, 'GET /groups/delta': 1, 'GET /domains': 1 });
  });

  test('a manager who cannot be set is a failure of its own, and set by the next run', async () => {
    company = await makeCompany(opened.store);
    await company.load([person('ann'), person('ben')]);
    await company.run('entra-out');
    await company.load([person('ann'), person('ben'), person('cid', { manager: 'ann' })]);
    const fault = { kind: 'status', status: 403, code: 'Authorization_RequestDenied' } as const;
    company.graph.faults.plan({ fault, path: /manager/, inBatch: true });
    const job = await company.run('entra-out');
    expect(brief(job.statistics)).toMatchObject({ 'user created': '1/0/0', 'user updated': '0/1/0' });
    expect(job.status).toBe('partial_success');
    expect(await company.failures(job)).toEqual([expect.stringMatching(/manager/)]);
    expect(managerOf('cid')).toBeUndefined();
    const next = await company.run('entra-out');
    expect(brief(next.statistics)).toMatchObject({ 'user updated': '1/0/0' });
    expect(managerOf('cid')).toBe('ann@contoso.example');
  });

  test('people who are there already are bound by address and by name, and made as they shall be', async () => {
    company = await makeCompany(opened.store);
    company.graph.directory.seed({
      users: [
        { userPrincipalName: 'ann@contoso.example', displayName: 'Old Ann' },
        { userPrincipalName: 'x@contoso.onmicrosoft.com', displayName: 'Ben', mail: 'ben@contoso.example' },
        { userPrincipalName: 'cid@contoso.onmicrosoft.com', displayName: 'cid Doe' },
        { userPrincipalName: 'stranger@contoso.example', displayName: 'Stranger' },
      ],
    });
    await company.load([person('ann'), person('ben'), person('cid', { mail: 'cid@elsewhere.example' })]);
    const job = await company.run('entra-out');
    expect(await company.failures(job)).toEqual([]);
    expect(brief(job.statistics)).toMatchObject({ 'user binded': '3/0/0' });
    expect(Object.keys(users()).toSorted()).toEqual(['ann', 'ben', 'cid', 'stranger']);
    expect(users()['ann']).toMatchObject({ displayName: 'ann Doe' });
  });

  test('two people who would get one user principal name: the second is a row, the run goes on', async () => {
    company = await makeCompany(opened.store);
    await company.load([elsewhere('ann'), elsewhere('änn'), person('ben')]);
    const job = await company.run('entra-out');
    expect(job.status).toBe('partial_success');
    expect(brief(job.statistics)).toMatchObject({ 'user created': '2/1/0' });
    expect(await company.failures(job)).toMatchObject([expect.stringContaining('NameTaken')]);
  });

  test('changes, disabling, members and deletions follow', async () => {
    company = await makeCompany(opened.store);
    await company.load([person('ann', { title: 'Boss' }), person('ben'), person('cid'), team('ann', 'ben')]);
    await company.run('entra-out');
    await company.load([
      person('ann', { familyName: 'Smith', commonName: 'ann Smith' }),
      person('ben', {}, false),
      team('ben'),
    ]);
    const job = await company.run('entra-out');
    expect(await company.failures(job)).toEqual([]);
    expect(users()).toMatchObject({
      ann: { displayName: 'ann Smith', surname: 'Smith', jobTitle: null },
      ben: { accountEnabled: false },
    });
    const { directory } = company.graph;
    expect(directory.listDeleted('user')).toHaveLength(1);
    expect(directory.findByName('group', 'Team')?.members).toEqual([directory.get('ben@contoso.example').id]);
  });

  test('what somebody changes in Entra ID is put right', async () => {
    company = await makeCompany(opened.store);
    await company.load([person('ann', { title: 'Boss' }), group('Team', ['ann'])]);
    await company.run('entra-out');
    const { directory } = company.graph;
    directory.update('ann@contoso.example', { jobTitle: 'Clerk', officeLocation: 'mine' });
    const team = directory.findByName('group', 'Team')!.id;
    directory.removeMember(team, directory.get('ann@contoso.example').id);
    await company.run('entra-out');
    expect(users()['ann']).toMatchObject({ jobTitle: 'Boss', officeLocation: null });
    expect(directory.get(team).members).toHaveLength(1);
  });

  test('a tenant that was read anew costs nobody the account', async () => {
    company = await makeCompany(opened.store);
    await company.load([person('ann'), person('ben'), group('Team', ['ann'])]);
    await company.run('entra-out');
    company.graph.killDeltaTokens();
    company.graph.requests.reset();
    const job = await company.run('entra-out');
    expect(brief(job.statistics)).toMatchObject({ 'user same': '2/0/0', 'membership same': '1/0/0' });
    expect(company.graph.requests.writes()).toEqual([]);
  });
});
