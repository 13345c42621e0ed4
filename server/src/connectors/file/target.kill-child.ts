/** Writes a file in batches, tells of each, and goes on until it is done or killed. Arguments: path, first batch. */
import { fileConnectionSchema } from '@lockstep/contract/connection-configuration.ts';
import type { TargetChange } from '../../sync/connector.ts';
import { fileConnector } from './connector.ts';

const batches = 12;
const batchSize = 50;
const node = 'dc=example,dc=com';

/** Creates users; every third batch moves those of the batch before it and deletes some. */
function makeBatch(batch: number): TargetChange[] {
  return Array.from({ length: batchSize }, (_, index): TargetChange => {
    const ordinal = batch * batchSize + index + 1;
    const base = { ordinal, kind: 'user' as const, externalId: null, location: null, before: {} };
    const name = `uid=u${batch}-${index}`;
    const set = { uid: [`u${batch}-${index}`], cn: ['x'], sn: ['x'], objectClass: ['inetOrgPerson'] };
    if (batch % 3 !== 2) return { ...base, verb: 'create', parentLocation: node, name, set };
    const location = `uid=u${batch - 1}-${index},${node}`;
    if (index % 5 === 0)
      return { ...base, verb: 'delete', location, parentLocation: null, name: null, set: {} };
    return { ...base, verb: 'move', location, parentLocation: node, name, set: { title: ['moved'] } };
  });
}

const [path = '', first = '0'] = process.argv.slice(2);
const settings = fileConnectionSchema.parse({ type: 'file', path, baseDn: node });
const endpoint = await fileConnector.open(settings, { baseDirectory: '/', secret: () => undefined });
const signal = new AbortController().signal;
const session = await endpoint.openTarget({ job: 'killed', scopes: [{ node }] });
for (let batch = Number(first); batch < batches; batch++) {
  process.stdout.write(`begin ${batch}\n`);
  const outcomes = await session.apply(makeBatch(batch), { recovering: batch === Number(first), signal });
  const failed = outcomes.find((outcome) => !outcome.ok);
  if (failed !== undefined) throw new Error(JSON.stringify(failed));
}
process.stdout.write('finishing\n');
await session.finish();
process.stdout.write('finished\n');
