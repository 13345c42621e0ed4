import { connectionSchema } from '@lockstep/contract/connection-configuration.ts';
import { syncSchema } from '@lockstep/contract/configuration.ts';
import type { ChangeView } from '@lockstep/contract/change.ts';
import type { JobView } from '@lockstep/contract/job.ts';
import type { Kind, Operation, Statistics } from '@lockstep/contract/vocabulary.ts';
import { kinds, operations } from '@lockstep/contract/vocabulary.ts';
import type { z } from 'zod';
import type { Actor } from '../server/src/app/actor.ts';
import type { Application, ConnectorRegistry, Vault } from '../server/src/app/application.ts';
import { listChanges } from '../server/src/app/changes.ts';
import { putConnection } from '../server/src/app/connections.ts';
import { bootstrapInstallation } from '../server/src/app/installation.ts';
import { makeJobRunner } from '../server/src/app/job-runner.ts';
import { approveJob, getJob, requestJob, undoJob } from '../server/src/app/jobs.ts';
import { putSync } from '../server/src/app/syncs.ts';
import { eventCallbackConnector } from '../server/src/connectors/event-callback/connector.ts';
import { fileConnector } from '../server/src/connectors/file/connector.ts';
import { ldapConnector } from '../server/src/connectors/ldap/connector.ts';
import { scimConnector } from '../server/src/connectors/scim/connector.ts';
import { systemClock } from '../server/src/kernel/clock.ts';
import type { Store } from '../server/src/store/store.ts';
import type { Connector } from '../server/src/sync/connector.ts';

export const installedConnectors: ConnectorRegistry = new Map<string, Connector>([
  ['ldap', ldapConnector],
  ['file', fileConnector],
  ['scim', scimConnector],
  ['event_callback', eventCallbackConnector],
]);

/** Keeps secrets readable: what the vault does is not what these tests are about. */
const openVault: Vault = {
  seal: (secret) => Buffer.from(secret),
  open: (sealed) => Buffer.from(sealed).toString(),
};

export interface Workbench {
  readonly app: Application;
  readonly actor: Actor;
  connection(name: string, configuration: z.input<typeof connectionSchema>): Promise<void>;
  sync(name: string, configuration: z.input<typeof syncSchema>): Promise<void>;
  /** Runs a job of the sync to its end, in this process and without a queue. */
  run(sync: string, mode?: 'apply' | 'dryRun', asked?: { full?: boolean }): Promise<JobView>;
  approve(jobId: string): Promise<JobView>;
  undo(jobId: string, mode?: 'apply' | 'dryRun'): Promise<JobView>;
  changes(jobId: string): Promise<ChangeView[]>;
}

/** A tenant over a store, with the connectors that there are, to run syncs of. */
export async function makeWorkbench(
  store: Store,
  connectors: ConnectorRegistry = installedConnectors,
): Promise<Workbench> {
  const queue = { send: () => Promise.resolve() };
  const app: Application = {
    store,
    queue,
    connectors,
    vault: openVault,
    clock: systemClock,
    baseDirectory: '/',
  };
  const made = await bootstrapInstallation(app);
  if (!made) throw new Error('the store is not empty');
  const actor: Actor = {
    tenantId: made.tenantId,
    tenantName: 'default',
    accountId: made.accountId,
    accountName: 'administrator',
    role: 'administrator',
  };
  return workbenchOf(app, actor);
}

/** The use cases of a tenant that exists. */
export function workbenchOf(app: Application, actor: Actor): Workbench {
  const runner = makeJobRunner(app);
  const finish = async (id: string): Promise<JobView> => {
    await runner.run(id, new AbortController().signal);
    return getJob(app, actor, id);
  };
  return {
    app,
    actor,
    async connection(name, configuration) {
      await putConnection(app, actor, name, connectionSchema.parse(configuration));
    },
    async sync(name, configuration) {
      await putSync(app, actor, name, syncSchema.parse(configuration));
    },
    async run(sync, mode = 'apply', asked = {}) {
      const { job } = await requestJob(app, actor, sync, { mode, ...asked, startedThrough: 'native' });
      return finish(job.id);
    },
    async approve(jobId) {
      const { job } = await approveJob(app, actor, jobId, 'native');
      return finish(job.id);
    },
    async undo(jobId, mode = 'apply') {
      const { job } = await undoJob(app, actor, jobId, { mode, startedThrough: 'native' });
      return finish(job.id);
    },
    async changes(jobId) {
      const all: ChangeView[] = [];
      for (let after: string | undefined; ;) {
        const page = await listChanges(app, actor, jobId, {}, { after, limit: 500 });
        all.push(...page.items);
        if (page.next === null) return all;
        after = page.next;
      }
    },
  };
}

/** Connections `in` and `out`, and syncs of these names that copy all of the one to a node of the other. */
export async function connectThrough(
  bench: Workbench,
  source: Parameters<Workbench['connection']>[1],
  target: Parameters<Workbench['connection']>[1],
  node = '',
): Promise<void> {
  await bench.connection('in', source);
  await bench.connection('out', target);
  const whole = { source: '', target: '/' };
  await bench.sync('in', { connection: 'in', direction: 'ingress', scopes: [whole] });
  await bench.sync('out', {
    connection: 'out',
    direction: 'egress',
    scopes: [{ source: '/', target: node }],
  });
}

/** The counts that are not zero, as `kind operation success/failed/skipped`: short to compare. */
export function brief(statistics: Statistics): Record<string, string> {
  const counts: Record<string, string> = {};
  for (const kind of kinds) {
    for (const operation of operations) {
      const { total, success, failed, skipped } = statistics[kind][operation];
      if (total !== success + failed + skipped)
        throw new Error(`counts of ${kind} ${operation} do not add up`);
      if (total > 0) counts[`${kind} ${operation}`] = `${success}/${failed}/${skipped}`;
    }
  }
  return counts;
}

export function counts(job: JobView, kind: Kind, operation: Operation) {
  return job.statistics[kind][operation];
}
