import { join } from 'node:path';
import { startSlapd } from '../../test/servers/slapd.ts';
import { addByLdapadd, dumpBelowSuffix } from '../programs/openldap.ts';
import { targetSettings, type Stage, type TargetName } from '../stage.ts';
import { seconds, type Line } from '../table.ts';
import { countEntries } from './ingress.ts';

/** Writing everything into an empty server, beside ldapadd of what came of it into another that is equally empty. */
export async function measureEgress(stage: Stage): Promise<Line[]> {
  await stage.lockstep.fill();
  return [
    await measureTarget(stage, 'durable', 'Egress into an empty server'),
    await measureTarget(stage, 'volatile', 'Egress into an empty server that does not sync its disk'),
  ];
}

async function measureTarget(stage: Stage, name: TargetName, what: string): Promise<Line> {
  const { lockstep, targets, directory, ldif, signal } = stage;
  const run = await lockstep.sync(`${name}-out`, `egress, ${name}`);
  const written = join(directory, `written-${name}.ldif`);
  await dumpBelowSuffix(targets[name], written, signal);
  // The suffix entries were there before.
  const [entries, wanted] = [await countEntries(written), (await countEntries(ldif)) - 1];
  if (entries !== wanted) throw new Error(`the target has ${entries} entries instead of ${wanted}`);
  await using empty = await startSlapd(targetSettings[name]);
  const added = await addByLdapadd(empty, written, signal);
  return {
    what,
    ours: seconds(run.jobSeconds),
    yardstick: `ldapadd: ${seconds(added.wallSeconds)}`,
    ratio: run.jobSeconds / added.wallSeconds,
    target: { limit: 1.2, sense: 'atMost' },
  };
}
