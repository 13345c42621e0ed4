/**
 * Opens the store in a data directory, says `open`, and then does what it is told on the command line until it is
 * killed: `wait`, `transaction` (a committed tenant, then an open transaction with another) or `job` (a queue whose
 * handler never ends).
 */
import { openQueue } from '../../server/src/jobs/queue.ts';
import { newId } from '../../server/src/kernel/ids.ts';
import { openStore } from '../../server/src/store/open.ts';
import type { StoreLocation } from '../../server/src/store/open.ts';

const [kind = '', place = '', task = 'wait'] = process.argv.slice(2);
const location: StoreLocation = kind === 'data' ? { data: place } : { databaseUrl: place };
const forever = new Promise<void>(() => setInterval(() => undefined, 60_000));

try {
  const store = await openStore(location);
  if (task === 'transaction') {
    await store.db
      .insertInto('tenant')
      .values({ id: newId('tenant'), name: 'committed' })
      .execute();
    await store.transaction(async (trx) => {
      await trx
        .insertInto('tenant')
        .values({ id: newId('tenant'), name: 'uncommitted' })
        .execute();
      process.stdout.write('open\n');
      await forever;
    });
  } else if (task === 'job') {
    const queue = await openQueue(store);
    await queue.work(1, async ({ jobId }) => {
      process.stdout.write(`${jobId}\n`);
      await forever;
    });
    process.stdout.write('open\n');
    await forever;
  } else {
    process.stdout.write('open\n');
    await forever;
  }
} catch (error) {
  process.stdout.write(`${(error as { code?: string }).code ?? String(error)}\n`);
  process.exit(1);
}
