import { randomBytes, randomInt } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect, onTestFailed, test } from 'vitest';
import type { ChangeView } from '@lockstep/contract/change.ts';
import { jobIsOver, type JobView } from '@lockstep/contract/job.ts';
import { kinds, operationOfVerb, operations } from '@lockstep/contract/vocabulary.ts';
import { lockstep, LockstepProcess } from '../../../test/cli/lockstep-process.ts';
import { writeCompany, writeConfiguration } from '../../../test/cli/sample-company.ts';
import { startPostgres } from '../../../test/servers/postgres.ts';

/** Each test ends with the company of this round, and so does the twin. */
const lastRound = 3;

let folder: string;
let twin: { readonly users: unknown; readonly file: string[] };
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'lockstep-serve-kill-'));
  twin = await runTwin();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Give the seed of a failed run in LOCKSTEP_TEST_SEED to draw the same moments again. */
function drawSeed(): number {
  const seed = Number(process.env['LOCKSTEP_TEST_SEED'] ?? randomInt(2 ** 31));
  onTestFailed(() => console.error(`moments drawn from LOCKSTEP_TEST_SEED=${seed}`));
  return seed;
}

/** The company in each round: people come in every one, and in every second one some go. */
function writeRound(home: string, round: number): void {
  writeCompany(join(home, 'in.ldif'), 400 + 60 * round - (round % 2) * 25);
}

interface Home {
  readonly path: string;
  readonly configuration: string;
}

function makeHome(name: string): Home {
  const path = join(folder, name);
  mkdirSync(path);
  return { path, configuration: writeConfiguration(path, '    guard: { user: {}, membership: {} }') };
}

/** What `serve` is asked, by the token that it left in its data directory. */
class Server {
  readonly #process: LockstepProcess;
  readonly #url: string;
  readonly #token: string;

  private constructor(process: LockstepProcess, url: string, token: string) {
    this.#process = process;
    this.#url = url;
    this.#token = token;
  }

  static async start(home: Home, store: readonly string[]): Promise<Server> {
    const data = join(home.path, 'data');
    const options = ['--data', data, '--listen', '127.0.0.1:0', '-f', home.configuration, ...store];
    const started = new LockstepProcess(['serve', ...options]);
    const [, url = ''] = await started.waitFor('stdout', /^listening on (http:\/\/127\.0\.0\.1:\d+)$/m);
    const { apiToken } = JSON.parse(readFileSync(join(data, 'admin.json'), 'utf8')) as { apiToken: string };
    return new Server(started, url, apiToken);
  }

  async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    this.#process.kill(signal);
    await this.#process.finished();
  }

  async #send(path: string, body?: object): Promise<Response> {
    const answer = await fetch(`${this.#url}/lockstep/v1${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: { authorization: `Bearer ${this.#token}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return answer;
  }

  async ask<Answer>(path: string, body?: object): Promise<Answer> {
    return (await (await this.#send(path, body)).json()) as Answer;
  }

  /** Every page of a list. */
  async list<Item>(path: string): Promise<Item[]> {
    const all: Item[] = [];
    for (let after = ''; ;) {
      const page = await this.ask<{ items: Item[]; next: string | null }>(
        `${path}${path.includes('?') ? '&' : '?'}limit=200${after}`,
      );
      all.push(...page.items);
      if (page.next === null) return all;
      after = `&after=${encodeURIComponent(page.next)}`;
    }
  }

  async request(sync: string): Promise<JobView> {
    return (await this.ask<{ job: JobView }>(`/syncs/${sync}/jobs`, { mode: 'apply' })).job;
  }

  /** Waits for the end of a job: then the stream of its events ends too. */
  async ended(id: string): Promise<JobView> {
    const events = await this.#send(`/jobs/${id}/events`);
    await events.text();
    const job = await this.ask<JobView>(`/jobs/${id}`);
    expect(jobIsOver(job.status), `job ${id} of ${job.sync} does not end: ${job.status}`).toBe(true);
    return job;
  }
}

interface ListedUser {
  readonly name: string;
  readonly path: string;
  readonly attributes: unknown;
}

const byText = (left: unknown, right: unknown): number =>
  JSON.stringify(left) < JSON.stringify(right) ? -1 : 1;

/** What two installations have in common. */
function withoutIds(users: readonly ListedUser[]): unknown {
  return users.map(({ name, path, attributes }) => ({ name, path, attributes })).sort(byText);
}

/** The exported file: entries in any order, without the ids that each installation gives. */
function exported(home: Home): string[] {
  const text = readFileSync(join(home.path, 'out.ldif'), 'utf8').replaceAll(/\r?\n /g, '');
  const entries = text.split(/\n{2,}/).map((entry) =>
    entry
      .split('\n')
      .filter((line) => !line.startsWith('entryUUID') && line.trim() !== '')
      .sort()
      .join('\n'),
  );
  return entries.sort();
}

/** Every number of an ended job has its changes, and every total is the sum of what became of them. */
async function expectToAddUp(server: Server, job: JobView): Promise<void> {
  const counted: Record<string, number> = {};
  for (const { kind, verb, result } of await server.list<ChangeView>(`/jobs/${job.id}/changes`)) {
    const key = `${kind} ${verb === null ? 'same' : operationOfVerb[verb]} ${result}`;
    counted[key] = (counted[key] ?? 0) + 1;
  }
  for (const kind of kinds) {
    for (const operation of operations) {
      const { total, success, failed, skipped } = job.statistics[kind][operation];
      expect(total, `${job.id} ${kind} ${operation}`).toBe(success + failed + skipped);
      if (operation === 'same' || operation === 'pushed' || operation === 'exported') continue;
      for (const [result, count] of Object.entries({ success, failed, skipped }))
        expect(counted[`${kind} ${operation} ${result}`] ?? 0, `${job.id} ${kind} ${operation}`).toBe(count);
    }
  }
}

/** Nobody disturbs this one. */
async function runTwin(): Promise<typeof twin> {
  const home = makeHome('twin');
  writeRound(home.path, lastRound);
  const synced = await lockstep('sync', '-f', home.configuration, '--json');
  expect(synced.code, synced.stderr).toBe(0);
  const data = join(home.path, 'data');
  const listed = await lockstep('directory', 'list', 'users', '--limit', 'all', '--json', '--data', data);
  const { objects } = JSON.parse(listed.stdout) as { objects: ListedUser[] };
  return { users: withoutIds(objects), file: exported(home) };
}

/** In each round jobs are requested and the server is killed some time within `milliseconds` after that. */
async function runKilled(
  home: Home,
  store: readonly string[],
  plan: { readonly rounds: number; readonly milliseconds: number; readonly random: () => number },
): Promise<Server> {
  const first = lastRound - plan.rounds + 1;
  writeRound(home.path, first);
  let server = await Server.start(home, store);
  for (let round = first; round <= lastRound; round += 1) {
    writeRound(home.path, round);
    await server.request('company-in');
    await pause(plan.random() * plan.milliseconds);
    if (plan.random() < 0.5) await server.request('export-out');
    await pause(plan.random() * plan.milliseconds);
    await server.end('SIGKILL');
    server = await Server.start(home, store);
  }
  return server;
}

async function expectLikeTwin(server: Server, home: Home): Promise<void> {
  // What was left under way is ended first: a request would be answered with it.
  for (const job of await server.list<JobView>('/jobs')) await server.ended(job.id);
  for (const sync of ['company-in', 'export-out'])
    expect(await server.ended((await server.request(sync)).id)).toMatchObject({ status: 'success' });
  const jobs = await server.list<JobView>('/jobs');
  expect(new Set(jobs.map(({ status }) => status))).toEqual(new Set(['success']));
  for (const job of jobs) await expectToAddUp(server, job);
  expect(withoutIds(await server.list<ListedUser>('/directory/users'))).toEqual(twin.users);
  await server.end('SIGTERM');
  expect(exported(home)).toEqual(twin.file);
}

test('serve on the embedded store that is killed again and again ends up like one that was not', async () => {
  const random = randomOf(drawSeed());
  const home = makeHome('embedded');
  const server = await runKilled(home, [], { rounds: 3, milliseconds: 400, random });
  await expectLikeTwin(server, home);
});

test('serve on PostgreSQL that is killed ends up like one that was not', async () => {
  await using postgres = await startPostgres();
  const random = randomOf(drawSeed());
  const home = makeHome('server');
  const keyFile = join(home.path, 'key');
  writeFileSync(keyFile, `${randomBytes(32).toString('base64')}\n`, { mode: 0o600 });
  const store = ['--database-url', await postgres.createDatabase(), '--key-file', keyFile];
  const server = await runKilled(home, store, { rounds: 1, milliseconds: 400, random });
  await expectLikeTwin(server, home);
});
