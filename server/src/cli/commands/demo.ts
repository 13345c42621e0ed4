import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join, relative, resolve } from 'node:path';
import { Command } from 'commander';
import { syncSchema } from '@lockstep/contract/configuration.ts';
import type { ResolvedConfiguration } from '@lockstep/contract/installationConfiguration.ts';
import { loadConfiguration } from '../configuration-file.ts';
import { runSync } from '../follow-job.ts';
import { note, print } from '../output.ts';
import { ProgressReporter } from '../progress.ts';
import { Session } from '../session.ts';
import { terminated } from '../signals.ts';
import { startSimulatedTenant, type SimulatedTenant } from '../simulated-tenant.ts';
import type { StoreLocation } from '../store-location.ts';
import { renderReport, reportJob, type JobReport } from '../sync-report.ts';

const root = resolve(import.meta.dirname, '../../../..');
const host = '127.0.0.1';
const firstPort = 7700;
const triedPorts = 50;

async function isFree(port: number): Promise<boolean> {
  return new Promise((done) => {
    const probe = createServer();
    probe.once('error', () => done(false));
    probe.listen(port, host, () => probe.close(() => done(true)));
  });
}

async function findFreePort(): Promise<number> {
  for (let port = firstPort; port < firstPort + triedPorts; port += 1) {
    if (await isFree(port)) return port;
  }
  return 0;
}

async function runAll(session: Session, names: readonly string[]): Promise<JobReport[]> {
  const reporter = new ProgressReporter(process.stderr);
  const reports: JobReport[] = [];
  for (const name of names) {
    const { job } = await runSync(session, name, { mode: 'apply' }, reporter);
    reports.push(await reportJob(session, job));
  }
  return reports;
}

/** As short as it can be typed in this directory. */
function shorten(path: string): string {
  const short = relative(process.cwd(), path);
  return short.startsWith('..') ? path : short || '.';
}

function renderWhereToLook(
  url: string,
  token: string,
  data: string,
  exported: readonly string[],
  job: string,
): string {
  const shown = shorten(data);
  return [
    '',
    `Console:      ${url}/#token=${token}`,
    `Credentials:  ${join(shown, 'admin.json')}`,
    ...exported.map((path) => `Exported:     ${shorten(path)}`),
    '',
    'In another terminal:',
    `  bin/lockstep jobs list --data ${shown}`,
    `  bin/lockstep jobs changes ${job} --result failed --data ${shown}`,
    `  bin/lockstep directory list users --data ${shown}`,
    '',
    'Ctrl-C ends it. The data stays; the next start goes on with it.',
  ].join('\n');
}

/** One department also goes to a simulated tenant of Microsoft Entra ID. */
function withTenant(
  { connections, syncs, ...rest }: ResolvedConfiguration,
  { connection }: SimulatedTenant,
): ResolvedConfiguration {
  const settings = syncSchema.parse({
    connection: connection.name,
    direction: 'egress',
    scopes: [{ source: '/Engineering/Security', target: '' }],
    onMissing: 'disable',
  });
  return {
    ...rest,
    connections: [...connections, connection],
    syncs: [...syncs, { name: 'entra-out', settings }],
  };
}

async function demo(options: { data?: string; port?: string; entra?: boolean }): Promise<void> {
  const directory = resolve(options.data ?? process.env.LOCKSTEP_DATA ?? join(root, 'data/demo'));
  const location: StoreLocation = { type: 'embedded', directory, keyFile: undefined };
  await using opened = new AsyncDisposableStack();
  const { configuration: company } = await loadConfiguration(join(root, 'examples/lockstep.yaml'));
  const configuration =
    options.entra === true
      ? withTenant(company, opened.use(await startSimulatedTenant('example.com')))
      : company;
  const port = options.port === undefined ? await findFreePort() : Number(options.port);
  const end = terminated();
  note(`demo: opening the store in ${directory} (a few seconds the first time)`);
  const { openLocalRuntime } = await import('../local-runtime.ts');
  await using runtime = await openLocalRuntime(location, {
    worker: true,
    schedules: true,
    listen: { host, port },
  });
  const session = Session.around(runtime, ` --data ${shorten(directory)}`);
  await session.call('applyConfiguration', { body: configuration });
  const reports = await runAll(
    session,
    configuration.syncs.map((sync) => sync.name),
  );
  const { apiToken } = JSON.parse(await readFile(join(directory, 'admin.json'), 'utf8')) as {
    apiToken: string;
  };
  print(renderReport(reports));
  print(
    renderWhereToLook(
      runtime.url ?? '',
      apiToken,
      directory,
      exportedFiles(configuration),
      reports[0]?.report.id ?? '',
    ),
  );
  await end;
}

/** Files that the egress syncs of a configuration write. */
function exportedFiles({ connections, syncs }: ResolvedConfiguration): string[] {
  return syncs
    .filter(({ settings }) => settings.direction === 'egress')
    .map(({ settings }) => connections.find(({ name }) => name === settings.connection)?.settings.path)
    .filter((path) => typeof path === 'string');
}

/** `lockstep demo` */
export function demoCommand(): Command {
  return new Command('demo')
    .description('serve the worked example: a made-up company, synced in from LDIF and out to LDIF')
    .option('--data <dir>', 'data directory (default: $LOCKSTEP_DATA, else data/demo of the repository)')
    .option('--port <port>', 'port on 127.0.0.1 (default: 7700 or the next free one)')
    .option('--entra', 'sync a department out to a simulated tenant of Microsoft Entra ID as well')
    .addHelpText('after', '\nExample:\n  $ bin/lockstep demo\n  $ bin/lockstep demo --entra')
    .action(demo);
}
