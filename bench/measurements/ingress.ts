import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { writeChanges } from '../changes.ts';
import { expectCount } from '../programs/lockstep.ts';
import { changeByLdapmodify, loadBySlapadd, readByLdapsearch } from '../programs/openldap.ts';
import type { Stage } from '../stage.ts';
import { count, median, perSecond, seconds, type Line } from '../table.ts';

/** Number of entries in an LDIF file. */
export async function countEntries(path: string): Promise<number> {
  let entries = 0;
  for await (const line of createInterface({ input: createReadStream(path) }))
    if (line.startsWith('dn:')) entries += 1;
  return entries;
}

/** The first run into an empty directory, beside loading the same entries into an empty database. */
export async function measureFirstIngress(stage: Stage): Promise<Line> {
  const { lockstep, source, ldif, directory, signal } = stage;
  const entries = await countEntries(ldif);
  const run = await lockstep.sync('corp-in', 'first ingress');
  expectCount(run, 'user', 'created', stage.users);
  expectCount(run, 'group', 'created', stage.groups);
  const load = await loadBySlapadd(source, ldif, join(directory, 'slapadd'), signal);
  const [ours, theirs] = [entries / run.jobSeconds, entries / load.wallSeconds];
  return {
    what: 'First full ingress, entries per second',
    ours: perSecond(ours),
    yardstick: `slapadd -q: ${perSecond(theirs)}`,
    ratio: ours / theirs,
    target: { limit: 0.5, sense: 'atLeast' },
  };
}

/** A full run that finds nothing new, beside reading the same entries. */
export async function measureUnchangedIngress(stage: Stage): Promise<Line> {
  const times = { ours: [] as number[], theirs: [] as number[] };
  await stage.lockstep.fill();
  for (let round = 1; round <= stage.rounds; round++) {
    const run = await stage.lockstep.sync('corp-in', `ingress without change ${round}`);
    expectCount(run, 'user', 'same', stage.users);
    times.ours.push(run.jobSeconds);
    times.theirs.push((await readByLdapsearch(stage.source, stage.signal)).wallSeconds);
  }
  return ingressLine('Full ingress, nothing changed', times, 2);
}

/** The same when one per cent of the users differ from the run before. */
export async function measureChangedIngress(stage: Stage): Promise<Line> {
  const { users, groups, directory, source, signal } = stage;
  const before = { users, groups };
  const after = { ...before, changePercent: 1 };
  const [forth, back] = [join(directory, 'forth.ldif'), join(directory, 'back.ldif')];
  const changed = await writeChanges(before, after, forth);
  await writeChanges(after, before, back);
  const times = { ours: [] as number[], theirs: [] as number[] };
  await stage.lockstep.fill();
  for (let round = 1; round <= stage.rounds; round++) {
    await changeByLdapmodify(source, round % 2 === 1 ? forth : back, signal);
    const run = await stage.lockstep.sync('corp-in', `ingress with 1 percent changed ${round}`);
    expectCount(run, 'user', 'updated', changed);
    times.ours.push(run.jobSeconds);
    times.theirs.push((await readByLdapsearch(source, signal)).wallSeconds);
  }
  return ingressLine(`Full ingress, ${count(changed)} users changed`, times, 2.5);
}

function ingressLine(what: string, times: { ours: number[]; theirs: number[] }, limit: number): Line {
  const [ours, theirs] = [median(times.ours), median(times.theirs)];
  return {
    what,
    ours: seconds(ours),
    yardstick: `ldapsearch: ${seconds(theirs)}`,
    ratio: ours / theirs,
    target: { limit, sense: 'atMost' },
  };
}
