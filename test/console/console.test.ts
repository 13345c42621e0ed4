import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CreatedToken } from '@lockstep/contract/account.ts';
import axe from 'axe-core';
import { chromium, type Browser, type Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { composeRuntime, type Runtime } from '../../server/src/main.ts';

const binary = '/usr/bin/chromium';

const people = (names: readonly string[]): string =>
  names
    .map(
      (name) =>
        `dn: uid=${name},ou=Sales,dc=example\nobjectClass: inetOrgPerson\nuid: ${name}\ncn: ${name}\nsn: ${name}\n`,
    )
    .join('\n');

const company = (names: readonly string[]): string => `version: 1

dn: dc=example
objectClass: domain
dc: example

dn: ou=Sales,dc=example
objectClass: organizationalUnit
ou: Sales

${people(names)}
dn: cn=admins,dc=example
objectClass: groupOfNames
cn: admins
member: uid=amy,ou=Sales,dc=example
member: uid=ghost,dc=example
`;

let runtime: Runtime;
let browser: Browser;
let folder: string;
let token: string;

async function put(path: string, body: object): Promise<void> {
  const response = await fetch(`${runtime.address}/lockstep/v1${path}`, {
    method: 'PUT',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  expect(response.status, await response.text()).toBe(200);
}

beforeAll(async () => {
  // Installed by scripts/install-test-servers.sh: a test that cannot find its server fails.
  if (!existsSync(binary)) throw new Error(`${binary} is missing: run scripts/install-test-servers.sh`);
  folder = await mkdtemp(join(tmpdir(), 'lockstep-console-'));
  runtime = await composeRuntime({
    data: join(folder, 'data'),
    roles: { http: { host: '127.0.0.1', port: 0 }, worker: { concurrency: 1 } },
    logLevel: 'error',
  });
  token = runtime.credentials?.apiToken ?? '';
  await writeFile(join(folder, 'in.ldif'), company(['amy', 'bob']));
  await put('/connections/hr', { type: 'file', path: join(folder, 'in.ldif'), baseDn: 'dc=example' });
  await put('/syncs/hr-in', {
    connection: 'hr',
    direction: 'ingress',
    onMissing: 'delete',
    guard: { user: { count: 0 } },
  });
  browser = await chromium.launch({ executablePath: binary, args: ['--no-sandbox'] });
});

afterAll(async () => {
  await browser?.close();
  await runtime?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

async function openConsole(fragment = ''): Promise<{ page: Page; errors: string[] }> {
  const page = await browser.newPage();
  const errors: string[] = [];
  page.on('pageerror', (error) => errors.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error') errors.push(message.text());
  });
  page.setDefaultTimeout(30_000);
  await page.goto(`${runtime.address}/${fragment}`);
  return { page, errors };
}

/** What keeps people from using a page: rules of WCAG 2.2, level AA, that it breaks, each with the first place. */
async function barriers(page: Page): Promise<string[]> {
  const found: string[] = [];
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    await page.evaluate(axe.source);
    const { violations } = (await page.evaluate(
      'axe.run({ runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] })',
    )) as axe.AxeResults;
    for (const { id, help, nodes } of violations)
      found.push(`${colorScheme}: ${id} (${help}): ${nodes[0]?.html} ${nodes[0]?.failureSummary}`);
  }
  return found;
}

async function status(page: Page, wanted: string): Promise<void> {
  await page.locator(`#job-status.${wanted}`).waitFor();
}

test('a link signs in; a sync is run by keyboard and shows what became of each object', async () => {
  const { page, errors } = await openConsole(`#token=${token}`);
  const run = page.getByRole('button', { name: 'Run hr-in', exact: true });
  await run.waitFor();
  expect(page.url()).not.toContain(token);
  await run.focus();
  await page.keyboard.press('Enter');
  await status(page, 'success');
  expect(await page.getByRole('link', { name: 'Users, Created: 2', exact: true }).textContent()).toBe('2');
  await page.getByRole('link', { name: 'Memberships, Created: 1 skipped' }).click();
  const change = page.locator('details.change');
  await change.first().waitFor();
  await expect.poll(async () => change.count()).toBe(1);
  expect(await change.textContent()).toContain('uid=ghost,dc=example');
  await page.getByLabel('Kind').selectOption('user');
  await page.getByLabel('Result').selectOption('success');
  await expect.poll(async () => change.count()).toBe(2);
  await change.first().locator('summary').focus();
  await page.keyboard.press('Enter');
  expect(await change.first().locator('table').innerText()).toContain('amy');
  expect(errors).toEqual([]);
  await page.close();
});

test('what is not there is said, with a way back; the skip link stays on the page', async () => {
  const { page } = await openConsole(`#token=${token}`);
  await page.getByRole('button', { name: 'Run hr-in', exact: true }).waitFor();
  await page.goto(`${runtime.address}/#/jobs/sync_none`);
  await page.getByRole('alert').getByText('there is no job').waitFor();
  await page.locator('#skip').focus();
  await page.keyboard.press('Enter');
  expect(page.url()).toContain('#/jobs/sync_none');
  await page.getByRole('link', { name: 'Syncs and jobs' }).click();
  await page.getByRole('button', { name: 'Run hr-in', exact: true }).waitFor();
  expect(await page.getByRole('alert').count()).toBe(0);
  await page.close();
});

/** The token of an account that reads. */
async function readerToken(): Promise<string> {
  await put('/accounts/auditor', { role: 'reader' });
  const response = await fetch(`${runtime.address}/lockstep/v1/accounts/auditor/tokens`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: '{}',
  });
  return ((await response.json()) as CreatedToken).token;
}

test('a held plan is seen and approved', async () => {
  await writeFile(join(folder, 'in.ldif'), company(['amy']));
  const { page, errors } = await openConsole(`#token=${token}`);
  await page.getByRole('button', { name: 'Dry run hr-in', exact: true }).click();
  await page.getByText('A run would hold everything that takes something away').waitFor();
  await page.getByText(/^1 of 2 linked objects of kind user would be deleted/).waitFor();
  expect(await page.getByRole('button', { name: 'Approve' }).count()).toBe(0);
  await page.goto(`${runtime.address}/#/`);
  await page.getByRole('button', { name: 'Run hr-in', exact: true }).click();
  await status(page, 'held');
  await page.getByText(/^1 of 2 linked objects of kind user would be deleted/).waitFor();
  expect(await page.getByRole('link', { name: 'Users, Deleted: 1 skipped' }).textContent()).toBe('1 skipped');
  const reader = await openConsole(`#token=${await readerToken()}`);
  await reader.page.getByText('default · reader').waitFor();
  await reader.page.getByRole('cell', { name: 'hr-in', exact: true }).first().waitFor();
  const offered = async () => reader.page.locator('main').getByRole('button').allTextContents();
  expect(await offered()).toEqual([]);
  await reader.page.goto(page.url());
  await reader.page.getByText('The guard holds everything').waitFor();
  expect(await offered()).toEqual([]);
  expect(reader.errors).toEqual([]);
  await reader.page.close();
  await page.getByRole('button', { name: 'Approve' }).click();
  await status(page, 'success');
  expect(await page.getByRole('link', { name: 'Users, Deleted: 1', exact: true }).textContent()).toBe('1');
  expect(errors).toEqual([]);
  await page.close();
});

test('a job is taken back after a look at what that means', async () => {
  const { page, errors } = await openConsole(`#token=${token}`);
  await writeFile(join(folder, 'in.ldif'), company(['amy', 'eve']));
  await page.getByRole('button', { name: 'Run hr-in', exact: true }).click();
  await status(page, 'success');
  await page.getByRole('button', { name: 'Preview undo' }).click();
  await page.getByText('Takes back what was done by').waitFor();
  await status(page, 'success');
  await page.getByText('delete user "eve"').waitFor();
  await page.getByRole('button', { name: 'Undo', exact: true }).click();
  await status(page, 'held');
  await page.getByRole('button', { name: 'Approve' }).click();
  await status(page, 'success');
  await page.getByRole('link', { name: 'Users, Deleted: 1', exact: true }).waitFor();
  expect(errors).toEqual([]);
  await page.close();
});

test('a server that is away for a while is found again, and nothing is said of it then', async () => {
  const { page } = await openConsole(`#token=${token}`);
  const run = page.getByRole('button', { name: 'Run hr-in', exact: true });
  await run.waitFor();
  const problem = { status: 503, code: 'StoreUnavailable', title: 'no store', detail: 'no store' };
  const refused = { status: 503, contentType: 'application/problem+json', body: JSON.stringify(problem) };
  await page.route('**/events', (route) => route.fulfill(refused), { times: 1 });
  // What was known before the end: without the stream it would be shown for good.
  await page.route(/jobs\/sync_\w+$/, async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, json: { ...(await response.json()), status: 'running', endedAt: null } });
  });
  await run.click();
  await status(page, 'success');
  await page.context().setOffline(true);
  await page.getByRole('link', { name: 'Lockstep' }).click();
  await page.getByText('the server cannot be reached').waitFor();
  await page.context().setOffline(false);
  await page.getByRole('button', { name: 'Try again' }).click();
  await run.waitFor();
  expect(await page.getByRole('alert').count()).toBe(0);
  await page.close();
});

test('a page that nobody sees holds no connection: seven tabs with jobs at work made all of them wait', async () => {
  const { page } = await openConsole(`#token=${token}`);
  await page.route(/jobs\/sync_\w+$/, async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, json: { ...(await response.json()), status: 'running', endedAt: null } });
  });
  // As of a job that has nothing to tell for long.
  await page.route('**/events', () => undefined, { times: 1 });
  const show = async (isSeen: boolean) =>
    page.evaluate(
      `Object.defineProperty(document, 'hidden', { value: ${!isSeen}, configurable: true });
       document.dispatchEvent(new Event('visibilitychange'))`,
    );
  const asked = page.waitForRequest('**/events');
  await page.getByRole('button', { name: 'Run hr-in', exact: true }).click();
  const stream = await asked;
  const ended = page.waitForEvent('requestfailed', (request) => request === stream);
  await show(false);
  await ended;
  await status(page, 'running');
  await show(true);
  await status(page, 'success');
  await page.close();
});

test('an answer from before the end of a job that comes after it is not shown', async () => {
  const { page } = await openConsole(`#token=${token}`);
  await page.getByRole('button', { name: 'Run hr-in', exact: true }).click();
  await status(page, 'success');
  const isOver = Promise.withResolvers<void>();
  let asked = 0;
  await page.route(/jobs\/sync_\w+$/, async (route) => {
    asked += 1;
    const response = await route.fetch();
    const json = { ...(await response.json()), status: 'running', endedAt: null };
    if (asked > 1) await isOver.promise;
    await route.fulfill({ response, json });
  });
  await page.route('**/events', async (route) => {
    // So long after the first answer that the page asks again.
    await page.clock.setSystemTime(Date.now() + 60_000);
    const response = await route.fetch();
    const running = 'id: 0\nevent: status\ndata: {"status":"running"}\n\n';
    await route.fulfill({ response, body: running + (await response.text()) });
  });
  await page.reload();
  await status(page, 'success');
  expect(asked).toBe(2);
  const late = page.waitForResponse(/jobs\/sync_\w+$/);
  isOver.resolve();
  await (await late).finished();
  await page.evaluate('new Promise(requestAnimationFrame)');
  expect(await page.locator('#job-status').textContent()).toBe('success');
  await page.close();
});

test('what was said of one action is over with the next', async () => {
  const { page } = await openConsole(`#token=${token}`);
  await page.getByRole('button', { name: 'Run hr-in', exact: true }).click();
  await status(page, 'success');
  await page.goto(`${page.url()}?kind=person`);
  await page.getByRole('alert').getByText('cannot be "person"').waitFor();
  await page.getByLabel('Kind').selectOption('user');
  await expect.poll(() => page.getByRole('alert').count()).toBe(0);
  await page.close();
});

test('a token that has ended is said on the page of the jobs, which asks by itself', async () => {
  const { page } = await openConsole(`#token=${token}`);
  await page.getByRole('button', { name: 'Run hr-in', exact: true }).waitFor();
  await page.evaluate("sessionStorage.setItem('lockstep-token', 'ended')");
  await page.getByText('This token is not valid.').waitFor();
  await page.close();
});

test('names of any length stay within the page, and bytes are counted', async () => {
  const name = 'm'.repeat(250);
  const photo = 'base64:AA==';
  await writeFile(join(folder, 'long.csv'), `kind,id,name,photo\nuser,1,${name},${photo}\n`);
  await put('/connections/long', { type: 'file', path: join(folder, 'long.csv') });
  await put('/syncs/long-in', { connection: 'long', direction: 'ingress' });
  const { page } = await openConsole(`#token=${token}`);
  await page.setViewportSize({ width: 320, height: 600 });
  await page.getByRole('button', { name: 'Run long-in', exact: true }).click();
  await status(page, 'success');
  await page.locator('details.change summary').click();
  await page.getByRole('cell', { name: '1 byte', exact: true }).waitFor();
  expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(320);
  await page.close();
});

test('without a token it asks for one, and says when it is wrong', async () => {
  const { page } = await openConsole();
  for (const wrong of ['wrong', 'wr”ong']) {
    await page.getByLabel(/API token/).fill(wrong);
    await page.keyboard.press('Enter');
    await page.getByText('This token is not valid.').waitFor();
  }
  await page.getByLabel(/API token/).fill(token);
  await page.keyboard.press('Enter');
  await page.getByText('default · administrator').waitFor();
  await page.close();
});

test('every page can be used by everybody', async () => {
  const { page } = await openConsole();
  await page.getByLabel(/API token/).waitFor();
  expect(await barriers(page)).toEqual([]);
  await page.getByLabel(/API token/).fill(token);
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: 'Run hr-in', exact: true }).waitFor();
  expect(await barriers(page)).toEqual([]);
  await writeFile(join(folder, 'in.ldif'), company(['amy', 'eve', 'cid']));
  await page.getByRole('button', { name: 'Run hr-in', exact: true }).click();
  await status(page, 'success');
  const change = page.locator('details.change');
  await change.first().locator('summary').click();
  expect(await barriers(page)).toEqual([]);
  await page.goto(`${runtime.address}/#/jobs/sync_none`);
  await page.getByRole('alert').getByText('there is no job').waitFor();
  expect(await barriers(page)).toEqual([]);
  await page.close();
});
