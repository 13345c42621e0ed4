import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { z } from 'zod';
import type { scimConnectionSchema } from '../../../contract/src/connection-configuration.ts';
import type { JobView } from '../../../contract/src/job.ts';
import type { Application } from '../../../server/src/app/application.ts';
import { openStore } from '../../../server/src/store/open.ts';
import type { Store } from '../../../server/src/store/store.ts';
import { systemClock } from '../../../server/src/kernel/clock.ts';
import { checked, makeTenant, noGuard, type SyncSettings } from '../../engine/world.ts';
import { installedConnectors, workbenchOf, type Workbench } from '../../workbench.ts';

export interface Person {
  readonly id: string;
  readonly enabled?: boolean;
  readonly attributes: Readonly<Record<string, string | readonly string[]>>;
}

export function person(id: string, more: Person['attributes'] = {}): Person {
  const attributes = {
    mail: `${id}@example.com`,
    commonName: `${id} Doe`,
    givenName: id,
    familyName: 'Doe',
    displayName: `${id} Doe`,
    ...more,
  };
  return { id, attributes };
}

/** A company in a file, a directory, and a SCIM service that it is written to. */
export interface Company extends Workbench, AsyncDisposable {
  people: Person[];
  /** Group name to ids of people and `group:NAME`. */
  groups: Record<string, string[]>;
  /** Writes the file, reads it into the directory and that to the service; the egress job. */
  push(): Promise<JobView>;
  /** Failures of a job, in words. */
  failures(job: JobView): Promise<string[]>;
}

/** A store for one test file: tenants keep its tests apart. */
export async function openCompanyStore(): Promise<{ readonly store: Store } & AsyncDisposable> {
  const data = await mkdtemp(join(tmpdir(), 'lockstep-scim-'));
  const store = await openStore({ data });
  return {
    store,
    async [Symbol.asyncDispose]() {
      await store.close();
      await rm(data, { recursive: true, force: true });
    },
  };
}

export async function makeCompany(
  store: Store,
  connection: Omit<z.input<typeof scimConnectionSchema>, 'type'>,
  settings: SyncSettings = {},
): Promise<Company> {
  const actor = await makeTenant(store);
  const folder = await mkdtemp(join(tmpdir(), 'lockstep-company-'));
  const path = join(folder, 'company.jsonl');
  const app: Application = {
    store,
    queue: { send: () => Promise.resolve() },
    connectors: installedConnectors,
    vault: { seal: (secret) => Buffer.from(secret), open: (sealed) => Buffer.from(sealed).toString() },
    clock: systemClock,
    baseDirectory: '/',
  };
  const bench = workbenchOf(app, actor);
  await bench.connection('company', { type: 'file', path });
  await bench.connection('app', { type: 'scim', ...connection });
  const all = { onMissing: 'delete', guard: noGuard } as const;
  await bench.sync('company-in', { ...all, connection: 'company', direction: 'ingress' });
  await bench.sync('app-out', { ...all, ...settings, connection: 'app', direction: 'egress' });
  const company: Company = {
    ...bench,
    people: [],
    groups: {},
    async push() {
      await writeFile(path, render(company));
      const read = await bench.run('company-in');
      if (read.status !== 'success') throw new Error(`the directory was not filled: ${JSON.stringify(read)}`);
      return checked(app, actor, await bench.run('app-out'));
    },
    async failures(job) {
      const changes = await bench.changes(job.id);
      return changes.flatMap(({ sentence, error }) =>
        error ? [`${sentence}: ${error.code} ${error.message}`] : [],
      );
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
  return company;
}

function render({ people, groups }: Company): string {
  const records = [
    { kind: 'organizationalUnit', id: 'unit', name: 'People', attributes: {} },
    ...people.map(({ id, enabled = true, attributes }) => ({
      kind: 'user',
      id,
      parent: 'unit',
      name: id,
      enabled,
      attributes,
    })),
    ...Object.entries(groups).map(([name, members]) => ({
      kind: 'group',
      id: `group:${name}`,
      name,
      members,
      attributes: {},
    })),
  ];
  return `${records.map((record) => JSON.stringify(record)).join('\n')}\n`;
}
