import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { makeCompany as makeSeed } from '../../simulators/graph/company.ts';
import { brief } from '../../workbench.ts';
import { type Company, makeCompany, openCompanyStore } from './company.ts';

let opened: Awaited<ReturnType<typeof openCompanyStore>>;
let company: Company;
beforeAll(async () => {
  opened = await openCompanyStore();
});
afterAll(() => opened[Symbol.asyncDispose]());
afterEach(() => company[Symbol.asyncDispose]());

async function names(kind: 'user' | 'group'): Promise<string[]> {
  const records = await company.written();
  return records.filter((record) => record.kind === kind).map(({ name }) => name.split('@')[0] ?? name);
}

describe('from Entra ID to the directory, and from there to a file', () => {
  test('a company arrives with states, members and managers, and later only what changed', async () => {
    company = await makeCompany(opened.store);
    company.graph.directory.seed(makeSeed({ users: 60, domain: 'contoso.example' }));
    const job = await company.run('entra-in');
    expect(brief(job.statistics)).toMatchObject({ 'user created': '60/0/0', 'group created': '10/0/0' });
    const records = await company.written();
    const users = records.filter(({ kind }) => kind === 'user');
    expect(users).toHaveLength(60);
    expect(users.filter(({ enabled }) => enabled === false)).toHaveLength(1);
    expect(users.filter(({ attributes }) => attributes['manager'] !== undefined)).toHaveLength(54);
    const everybody = records.find(({ name }) => name === 'Everybody');
    expect(everybody?.members).toHaveLength(60);
    company.graph.requests.reset();
    const { directory } = company.graph;
    const [first, second] = directory.list('user');
    directory.update(first!.id, { jobTitle: 'Chief' });
    directory.delete(second!.id);
    const changed = await company.run('entra-in');
    expect(brief(changed.statistics)).toMatchObject({ 'user updated': '1/0/0', 'user deleted': '1/0/0' });
    expect(company.graph.requests.summary()).toEqual({ 'GET /users/delta': 1, 'GET /groups/delta': 1 });
  });

  test('a resynchronization takes nobody away, whoever is gone in truth goes', async () => {
    company = await makeCompany(opened.store);
    const { directory } = company.graph;
    directory.seed(makeSeed({ users: 20, domain: 'contoso.example' }));
    await company.run('entra-in');
    directory.purge(directory.list('user')[3]!.id);
    company.graph.killDeltaTokens();
    company.graph.behaviour.deltaPageSize = 5;
    const job = await company.run('entra-in');
    expect(brief(job.statistics)['user deleted']).toBe('1/0/0');
    expect(await names('user')).toHaveLength(19);
  });

  test('pages that do not end take nobody away, and the job says so', async () => {
    company = await makeCompany(opened.store);
    company.graph.directory.seed(makeSeed({ users: 5, domain: 'contoso.example' }));
    await company.run('entra-in');
    company.graph.behaviour.endlessNextLinks = 'same';
    const job = await company.run('entra-in');
    expect(brief(job.statistics)['user deleted']).toBeUndefined();
    expect(JSON.stringify(job)).toContain('next link');
    company.graph.behaviour.endlessNextLinks = undefined;
    expect((await company.run('entra-in')).status).toBe('success');
  });
});
