import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { JobView } from '../../../contract/src/job.ts';
import type { Application } from '../../../server/src/app/application.ts';
import { makeEntraConnector } from '../../../server/src/connectors/entra/connector.ts';
import { systemClock } from '../../../server/src/kernel/clock.ts';
import { openStore } from '../../../server/src/store/open.ts';
import type { Store } from '../../../server/src/store/store.ts';
import type { Connector } from '../../../server/src/sync/connector.ts';
import { checked, makeTenant, noGuard, type SyncSettings } from '../../engine/world.ts';
import { type GraphSimulator, startGraphSimulator } from '../../simulators/graph/simulator.ts';
import { installedConnectors, workbenchOf, type Workbench } from '../../workbench.ts';

/** A record of the company's file, as docs/connectors/file.md has it. */
export interface FileRecord {
  readonly kind: 'user' | 'group' | 'organizationalUnit';
  readonly id: string;
  readonly parent?: string;
  readonly name: string;
  readonly enabled?: boolean;
  readonly members?: readonly string[];
  readonly attributes: Readonly<Record<string, string | readonly string[]>>;
}

export function person(id: string, attributes: FileRecord['attributes'] = {}, enabled = true): FileRecord {
  const own = {
    mail: `${id}@contoso.example`,
    commonName: `${id} Doe`,
    givenName: id,
    familyName: 'Doe',
    ...attributes,
  };
  return { kind: 'user', id, parent: 'unit', name: id, enabled, attributes: own };
}

export function group(name: string, members: readonly string[]): FileRecord {
  return { kind: 'group', id: `group:${name}`, name, members, attributes: {} };
}

/** A company in a file, a directory, and a tenant of Entra ID. */
export interface Company extends AsyncDisposable {
  readonly bench: Workbench;
  readonly graph: GraphSimulator;
  /** Writes the file and reads it into the directory. */
  load(records: readonly FileRecord[]): Promise<void>;
  run(sync: string): Promise<JobView>;
  /** Changes of a job that failed, in words. */
  failures(job: JobView): Promise<string[]>;
  /** Writes the directory to a file; its records. */
  written(): Promise<FileRecord[]>;
}

/** A store for one test file: tenants keep its tests apart. */
export async function openCompanyStore(): Promise<{ readonly store: Store } & AsyncDisposable> {
  const data = await mkdtemp(join(tmpdir(), 'lockstep-entra-'));
  const store = await openStore({ data });
  return {
    store,
    async [Symbol.asyncDispose]() {
      await store.close();
      await rm(data, { recursive: true, force: true });
    },
  };
}

const unit: FileRecord = { kind: 'organizationalUnit', id: 'unit', name: 'People', attributes: {} };

/** Syncs: `file-in`, `file-out`, `entra-in`, `entra-out`. */
export async function makeCompany(store: Store, settings: SyncSettings = {}): Promise<Company> {
  const actor = await makeTenant(store);
  const graph = await startGraphSimulator();
  const folder = await mkdtemp(join(tmpdir(), 'lockstep-company-'));
  const [path, out] = [join(folder, 'company.jsonl'), join(folder, 'out.jsonl')];
  const entra = makeEntraConnector({
    paceFor: () => ({ take: () => Promise.resolve(), penalty: () => undefined, secondsFor: () => 0 }),
    wait: () => Promise.resolve(),
  });
  const app: Application = {
    store,
    queue: { send: () => Promise.resolve() },
    connectors: new Map([...installedConnectors, ['entra_id', entra as Connector]]),
    vault: { seal: (secret) => Buffer.from(secret), open: (sealed) => Buffer.from(sealed).toString() },
    clock: systemClock,
    baseDirectory: '/',
  };
  const bench = workbenchOf(app, actor);
  await bench.connection('file', { type: 'file', path });
  await bench.connection('out', { type: 'file', path: out });
  await bench.connection('entra', {
    type: 'entra_id',
    tenantId: graph.tenantId,
    clientId: graph.clientId,
    clientSecret: graph.clientSecret,
    graphUrl: graph.graphUrl,
    authorityUrl: graph.authorityUrl,
    caFile: graph.caFile,
  });
  const all = { onMissing: 'delete', guard: noGuard, ...settings } as const;
  await bench.sync('file-in', { ...all, connection: 'file', direction: 'ingress', match: ['username'] });
  await bench.sync('file-out', { ...all, connection: 'out', direction: 'egress' });
  await bench.sync('entra-in', { ...all, connection: 'entra', direction: 'ingress' });
  await bench.sync('entra-out', { ...all, connection: 'entra', direction: 'egress' });
  const run = async (name: string): Promise<JobView> => checked(app, actor, await bench.run(name));
  return {
    bench,
    graph,
    run,
    async load(records) {
      await writeFile(path, [unit, ...records].map((record) => `${JSON.stringify(record)}\n`).join(''));
      const job = await run('file-in');
      if (job.status !== 'success') throw new Error(`the directory was not filled: ${JSON.stringify(job)}`);
    },
    async failures(job) {
      const changes = await bench.changes(job.id);
      return changes.flatMap(({ sentence, error }) =>
        error ? [`${sentence}: ${error.code} ${error.message}`] : [],
      );
    },
    async written() {
      const job = await bench.run('file-out');
      if (job.status !== 'success') throw new Error(`the file was not written: ${JSON.stringify(job)}`);
      const lines = (await readFile(out, 'utf8')).trim().split('\n');
      return lines.map((line) => JSON.parse(line) as FileRecord);
    },
    async [Symbol.asyncDispose]() {
      await graph.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
