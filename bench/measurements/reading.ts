import { join } from 'node:path';
import { pageSize, readAttributes, readByLdapsearch } from '../programs/openldap.ts';
import { runOrThrow } from '../programs/program.ts';
import type { ReaderResult, ReaderTask } from '../readers/measure.ts';
import type { Stage } from '../stage.ts';
import { median, perSecond, type Line } from '../table.ts';

/** Entries per CPU second of three clients that read the same entries in turn. */
export async function measureReading(stage: Stage): Promise<Line[]> {
  const rates = { lockstep: [] as number[], ldapsearch: [] as number[], ldapts: [] as number[] };
  for (let round = 0; round < stage.rounds; round++) {
    const ours = await runReader(stage, 'lockstep');
    rates.lockstep.push(ours.entries / ours.cpuSeconds);
    const printed = await readByLdapsearch(stage.source, stage.signal);
    rates.ldapsearch.push(ours.entries / printed.cpuSeconds);
    const other = await runReader(stage, 'ldapts');
    if (other.entries !== ours.entries)
      throw new Error('the readers do not agree how many entries there are');
    rates.ldapts.push(other.entries / other.cpuSeconds);
  }
  const ours = median(rates.lockstep);
  const line = (name: 'ldapsearch' | 'ldapts'): Line => ({
    what: 'Reading and decoding, entries per CPU second of the client',
    ours: perSecond(ours),
    yardstick: `${name}: ${perSecond(median(rates[name]))}`,
    ratio: ours / median(rates[name]),
  });
  return [{ ...line('ldapsearch'), target: { limit: 1, sense: 'atLeast' } }, line('ldapts')];
}

async function runReader(stage: Stage, name: 'lockstep' | 'ldapts'): Promise<ReaderResult> {
  const { url, adminDn, password, suffix } = stage.source;
  const task: ReaderTask = {
    url,
    bindDn: adminDn,
    password,
    base: suffix,
    attributes: readAttributes,
    pageSize,
  };
  const program = join(import.meta.dirname, `../readers/${name}.ts`);
  const { output } = await runOrThrow(process.execPath, [program, JSON.stringify(task)], stage);
  return JSON.parse(output) as ReaderResult;
}
