import { join } from 'node:path';
import { startSlapd } from '../../test/servers/slapd.ts';
import { addByLdapadd, dumpBelowSuffix } from '../programs/openldap.ts';
import { targetSettings, type Stage } from '../stage.ts';
import { seconds, type Line } from '../table.ts';
import { countEntries } from './ingress.ts';

/** Writing everything into an empty server, beside ldapadd of what came of it into another that is equally empty. */
export async function measureEgress(stage: Stage): Promise<Line> {
  const { lockstep, target, directory, ldif, signal } = stage;
  await lockstep.fill();
  const run = await lockstep.sync('replica-out', 'egress');
  const written = join(directory, 'written.ldif');
  await dumpBelowSuffix(target, written, signal);
  // The suffix entries were there before.
  const [entries, wanted] = [await countEntries(written), (await countEntries(ldif)) - 1];
  if (entries !== wanted) throw new Error(`the target has ${entries} entries instead of ${wanted}`);
  await using empty = await startSlapd(targetSettings);
  const added = await addByLdapadd(empty, written, signal);
  return {
    what: 'Egress into an empty server',
    ours: seconds(run.jobSeconds),
    yardstick: `ldapadd: ${seconds(added.wallSeconds)}`,
    ratio: run.jobSeconds / added.wallSeconds,
    target: { limit: 1.2, sense: 'atMost' },
  };
}
