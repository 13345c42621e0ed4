import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { afterAll, beforeAll } from 'vitest';
import type { connectionSchema } from '../../contract/src/connection-configuration.ts';
import type { syncSchema } from '../../contract/src/configuration.ts';
import type { ChangeView } from '../../contract/src/change.ts';
import type { JobView } from '../../contract/src/job.ts';
import { kinds, operations } from '../../contract/src/vocabulary.ts';
import type { Operation } from '../../contract/src/vocabulary.ts';
import type { z } from 'zod';
import type { Actor } from '../../server/src/app/actor.ts';
import type { Application } from '../../server/src/app/application.ts';
import { listChanges } from '../../server/src/app/changes.ts';
import { listMessages } from '../../server/src/app/jobs.ts';
import { systemClock } from '../../server/src/kernel/clock.ts';
import { newId } from '../../server/src/kernel/ids.ts';
import { openStore } from '../../server/src/store/open.ts';
import type { Store } from '../../server/src/store/open.ts';
import { insertAccount, insertTenant } from '../../server/src/store/queries/installation.ts';
import type { Connector } from '../../server/src/sync/connector.ts';
import { describeOnBothStores } from '../servers/stores.ts';
import { brief, workbenchOf } from '../workbench.ts';
import type { Workbench } from '../workbench.ts';
import { memoryConnector, MemorySystem } from './memory-system.ts';

export type SyncSettings = Partial<z.input<typeof syncSchema>>;

/** A tenant of its own with systems in memory, and what is asked of it in a few words. */
export interface World extends Workbench {
  /** A system of this name, with a connection of the same name. */
  system(name: string): Promise<MemorySystem>;
  /** An ingress sync `NAME-in` or an egress sync `NAME-out` of the whole system, objects that go are deleted. */
  ingress(system: string, settings?: SyncSettings): Promise<string>;
  egress(system: string, settings?: SyncSettings): Promise<string>;
  /** The directory by path, to be compared: no ids. */
  directory(): Promise<Record<string, unknown>>;
  messages(jobId: string): Promise<string[]>;
}

/** A guard that never trips: for tests that are not about it. */
export const noGuard = {
  organizationalUnit: { count: 1_000_000 },
  user: { count: 1_000_000 },
  group: { count: 1_000_000 },
  membership: { count: 1_000_000 },
  blanked: {},
} as const;

export async function makeTenant(store: Store): Promise<Actor> {
  const actor: Actor = {
    tenantId: newId('tenant'),
    tenantName: randomUUID(),
    accountId: newId('account'),
    accountName: 'administrator',
    role: 'administrator',
  };
  await store.transaction(async (trx) => {
    await insertTenant(trx, { id: actor.tenantId, name: actor.tenantName });
    await insertAccount(trx, {
      id: actor.accountId,
      tenantId: actor.tenantId,
      name: 'administrator',
      role: actor.role,
    });
  });
  return actor;
}

export async function makeWorld(store: Store): Promise<World> {
  const actor = await makeTenant(store);
  const systems = new Map<string, MemorySystem>();
  const app: Application = {
    store,
    queue: { send: () => Promise.resolve() },
    connectors: new Map([['ldap', memoryConnector(systems) as Connector]]),
    vault: { seal: (secret) => Buffer.from(secret), open: (sealed) => Buffer.from(sealed).toString() },
    clock: systemClock,
    baseDirectory: '/',
  };
  const bench = workbenchOf(app, actor);
  const sync = async (
    name: string,
    system: string,
    direction: 'ingress' | 'egress',
    settings: SyncSettings,
  ) => {
    await bench.sync(name, {
      onMissing: 'delete',
      guard: noGuard,
      ...settings,
      connection: system,
      direction,
    });
    return name;
  };
  return {
    ...bench,
    async run(name, mode, asked) {
      return checked(app, actor, await bench.run(name, mode, asked));
    },
    async approve(id) {
      return checked(app, actor, await bench.approve(id));
    },
    async undo(id, mode) {
      return checked(app, actor, await bench.undo(id, mode));
    },
    async system(name) {
      const made = new MemorySystem(name);
      systems.set(name, made);
      const connection = { type: 'ldap', url: `ldap://${name}`, baseDn: `dc=${name}` };
      await bench.connection(name, connection as z.input<typeof connectionSchema>);
      return made;
    },
    ingress: (system, settings = {}) => sync(`${system}-in`, system, 'ingress', settings),
    egress: (system, settings = {}) => sync(`${system}-out`, system, 'egress', settings),
    directory: () => directorySnapshot(store, actor.tenantId),
    async messages(jobId) {
      const page = await listMessages(app, actor, jobId, { after: undefined, limit: 500 });
      return page.items.map(({ text }) => text);
    },
  };
}

/** What holds for every job that is over: its counts add up, and behind each number stands its list. */
export async function checked(app: Application, actor: Actor, job: JobView): Promise<JobView> {
  brief(job.statistics);
  if (job.error?.code === 'Internal') throw new Error(`a defect: ${job.error.message}`);
  for (const change of await allChanges(app, actor, job.id, {}))
    if (change.result === 'planned')
      throw new Error(`a change of a job that is over is still planned: ${change.sentence}`);
  const listed: Record<string, number> = {};
  for (const operation of operations) {
    if (operation === 'same' && job.mode === 'dryRun') continue;
    const touched = new Set<string>();
    for (const change of await allChanges(app, actor, job.id, { operation })) {
      const key = `${change.kind} ${change.objectId ?? change.externalId} ${change.memberId ?? (change.kind === 'membership' ? change.externalId : '')}`;
      if (operation !== 'same' && touched.has(key))
        throw new Error(`an object counts twice as ${operation}: ${change.sentence}`);
      touched.add(key);
      const number = `${change.kind} ${operation} ${change.result}`;
      listed[number] = (listed[number] ?? 0) + 1;
    }
  }
  for (const kind of kinds) {
    for (const operation of operations) {
      for (const result of ['success', 'failed', 'skipped'] as const) {
        if (operation === 'same' && (job.mode === 'dryRun' || job.complete === false)) continue;
        const counted = job.statistics[kind][operation][result];
        const found = listed[`${kind} ${operation} ${result}`] ?? 0;
        if (counted !== found)
          throw new Error(`${kind} ${operation} ${result}: ${counted} counted, ${found} listed`);
      }
    }
  }
  return job;
}

async function allChanges(
  app: Application,
  actor: Actor,
  jobId: string,
  filter: { operation?: Operation },
): Promise<ChangeView[]> {
  const all: ChangeView[] = [];
  for (let after: string | undefined; ;) {
    const page = await listChanges(app, actor, jobId, filter, { after, limit: 500 });
    all.push(...page.items);
    if (page.next === null) return all;
    after = page.next;
  }
}

/** Paths as the memory systems have them: `/ou=people/uid=jdoe`. */
export async function directorySnapshot(store: Store, tenantId: string): Promise<Record<string, unknown>> {
  const { rows } = await sql<{
    path: string;
    attributes: object;
    enabled: boolean;
    members: string[] | null;
  }>`
    with recursive unit (id, path) as (
      select ''::text collate "C", ''::text
      union all
      select u.id, t.path || '/ou=' || u.name from unit t
      join organizational_unit u on u.tenant_id = ${tenantId} and u.parent_key = t.id
    ), object (id, path, attributes, enabled, is_group) as (
      select u.id, t.path, u.attributes, true, false from unit t join organizational_unit u on u.id = t.id
      union all
      select d.id, t.path || '/uid=' || d.username, d.attributes, d.enabled, false
        from directory_user d join unit t on t.id = coalesce(d.parent_id, '') where d.tenant_id = ${tenantId}
      union all
      select g.id, t.path || '/cn=' || g.name, g.attributes, true, true
        from directory_group g join unit t on t.id = coalesce(g.parent_id, '') where g.tenant_id = ${tenantId}
    )
    select o.path, o.attributes, o.enabled, case when o.is_group then coalesce((
      select jsonb_agg(lower(m.path)) from membership x join object m on m.id = x.member_id where x.group_id = o.id), '[]') end as members
    from object o order by o.path collate "C"`.execute(store.db);
  return Object.fromEntries(
    rows.map(({ path, attributes, enabled, members }) => [
      path,
      {
        attributes: externalAttributes(path, attributes as Record<string, string[]>),
        ...(members ? { members: members.sort() } : {}),
        ...(enabled ? {} : { enabled: false }),
      },
    ]),
  );
}

/** The directory's attributes under the names that the memory systems have for them. */
function externalAttributes(path: string, attributes: Record<string, string[]>): Record<string, string[]> {
  const naming = /\/(ou|uid|cn)=[^/]*$/.exec(path)?.[1] ?? '';
  const rows = Object.entries(attributes).map(([name, values]) => [
    name === 'username' || name === 'name' ? naming : name,
    [...values].sort(),
  ]);
  return Object.fromEntries(rows.sort(([a], [b]) => (String(a) < String(b) ? -1 : 1)));
}

/** What a job did, one line a change: `user create jdoe`, with the result and code where it is no success. */
export async function told(world: Workbench, job: JobView): Promise<string[]> {
  const changes = await world.changes(job.id);
  return changes.map(({ kind, verb, label, result, error }) => {
    const end = result === 'success' ? '' : ` ${result} ${error?.code ?? ''}`;
    return `${kind} ${verb} ${label}${end}`;
  });
}

/** Runs a suite on both stores; one store serves all its tests, and each test has a tenant of its own. */
export function describeWorlds(
  name: string,
  suite: (world: () => Promise<World>, store: () => Store) => void,
): void {
  describeOnBothStores(name, (makeStore) => {
    let store: Store | undefined;
    beforeAll(async () => {
      store = await openStore(await makeStore.location());
    });
    afterAll(async () => {
      await store?.close();
    });
    const opened = (): Store => {
      if (!store) throw new Error('The store is not open yet');
      return store;
    };
    suite(() => makeWorld(opened()), opened);
  });
}
