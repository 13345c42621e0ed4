import { mkdtemp, rm } from 'node:fs/promises';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { measureEgress } from './measurements/egress.ts';
import {
  measureChangedIngress,
  measureFirstIngress,
  measureUnchangedIngress,
} from './measurements/ingress.ts';
import { growthLine, peakLine } from './measurements/memory.ts';
import { measureReading } from './measurements/reading.ts';
import { measureScimEgress } from './measurements/scim-egress.ts';
import { measureScimServer } from './measurements/scim-server.ts';
import { parseBenchOptions, usage, type BenchOptions } from './options.ts';
import { renderProfiles } from './profile.ts';
import type { SyncRun } from './programs/lockstep.ts';
import { openStage, type Stage } from './stage.ts';
import { count, megabytes, renderTable, seconds, type Line } from './table.ts';

function note(text: string): void {
  process.stderr.write(`bench: ${text}\n`);
}

async function measureAll(options: BenchOptions, folder: string, signal: AbortSignal): Promise<Line[]> {
  note(`generating ${count(options.users)} users in ${count(options.groups)} groups, starting servers`);
  await using stage = await openStage(options, join(folder, 'stage'), signal);
  const lines: Line[] = [];
  const measurements: [string, (stage: Stage) => Promise<Line | Line[]>][] = [
    ['reading', measureReading],
    ['first ingress', measureFirstIngress],
    ['ingress without change', measureUnchangedIngress],
    ['ingress with one per cent changed', measureChangedIngress],
    ['egress', measureEgress],
    ['egress by SCIM', measureScimEgress],
    ['SCIM server', measureScimServer],
  ];
  for (const [name, measure] of measurements) {
    if (!name.includes(options.only ?? '')) continue;
    note(name);
    noteLoad();
    const found = [await measure(stage)].flat();
    for (const line of found) note(`  ${line.ours}, ${line.yardstick}, ratio ${line.ratio?.toFixed(2)}`);
    lines.push(...found);
  }
  noteLoad();
  const { runs } = stage.lockstep;
  if (runs.length > 0) lines.push(peakLine(options.users, runs, options.store));
  for (const { name, run } of runs) note(renderRun(name, run));
  const first = runs[0]?.run;
  if (options.memory && first !== undefined)
    lines.push(...(await measureGrowth(options, first, folder, signal)));
  return lines;
}

async function measureGrowth(
  options: BenchOptions,
  first: SyncRun,
  folder: string,
  signal: AbortSignal,
): Promise<Line[]> {
  const larger = { ...options, users: options.users * 10, groups: options.groups * 10 };
  note(`memory with ${count(larger.users)} users`);
  await using stage = await openStage(larger, join(folder, 'larger'), signal);
  const run = await stage.lockstep.sync('corp-in', 'first ingress');
  note(renderRun('first ingress', run));
  return [
    peakLine(larger.users, stage.lockstep.runs, options.store),
    growthLine({ users: options.users, run: first }, { users: larger.users, run }),
  ];
}

function renderRun(name: string, run: SyncRun): string {
  const parts = [`job ${seconds(run.jobSeconds)}`, `process ${seconds(run.cpuSeconds)} CPU`];
  return `${name}: ${[...parts, megabytes(run.peakBytes)].join(', ')}`;
}

/** The load averages of the last minute, looked at now and then. */
const loads: number[] = [];

function noteLoad(): void {
  loads.push(loadavg()[0] ?? 0);
}

async function main(): Promise<void> {
  const options = parseBenchOptions(process.argv.slice(2));
  if (options === undefined) {
    process.stdout.write(usage);
    return;
  }
  const stopping = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const)
    process.once(name, () => stopping.abort(new Error(`ended by ${name}`)));
  const folder = await mkdtemp(join(tmpdir(), 'lockstep-bench-'));
  try {
    const lines = await measureAll(options, folder, stopping.signal);
    const processors = cpus();
    const conditions = [
      `${count(options.users)} users, ${count(options.groups)} groups`,
      options.store === 'server' ? 'store on a PostgreSQL server' : 'embedded store',
      `${processors.length} × ${processors[0]?.model ?? 'unknown processor'}`,
      `load average ${Math.min(...loads).toFixed(1)} to ${Math.max(...loads).toFixed(1)}`,
      `Node ${process.versions.node}`,
    ];
    process.stdout.write(`${renderTable(lines)}\n${conditions.join('; ')}.\n`);
    if (options.profile !== undefined) process.stdout.write(await renderProfiles(options.profile));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

try {
  await main();
} catch (error) {
  note(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
