import { createHash, randomUUID } from 'node:crypto';
import type { Transaction } from 'kysely';
import { PgBoss, fromKysely } from 'pg-boss';
import type { Database } from '../store/schema.ts';
import type { Store } from '../store/store.ts';
import { queueSettings, workSettings } from './queue-settings.ts';
import { makeBoss } from './queue-boss.ts';

/** What the queue says of a job; everything else is in its row. */
export interface JobPayload {
  readonly jobId: string;
  readonly syncId: string;
}

/** Runs one job. It must throw when it stops before the end because of `signal`, so that the job is delivered again. */
export type JobHandler = (payload: JobPayload, signal: AbortSignal) => Promise<void>;

/**
 * The durable queue of jobs: delivery at least once, jobs of one sync in the order in which their transactions
 * began and never two at a time, in any number of processes on one store.
 */
export interface JobQueue extends AsyncDisposable {
  /**
   * Queues a job in the caller's transaction: it exists when the transaction commits, and not otherwise.
   * @returns false when this very job was queued before
   */
  send(trx: Transaction<Database>, payload: JobPayload): Promise<boolean>;
  /** Starts so many workers. A handler that throws has its job delivered again after the polling interval. */
  work(concurrency: number, handler: JobHandler): Promise<void>;
  /**
   * Tells the handlers by their signals to come to their next safe point, waits for them, and stops. A job whose
   * handler does not come to an end within the time is delivered again, here or elsewhere.
   */
  stop(): Promise<void>;
}

export interface JobQueueOptions {
  /** Errors of the queue itself (a lost connection), and those after which a job is delivered again; it goes on by itself. */
  readonly onError?: (error: unknown) => void;
  /** How long `stop` waits for handlers; 30 s by default. */
  readonly stopMilliseconds?: number;
}

const queueName = 'sync-job';

/** The same job always has the same entry, however often it is sent. */
function entryId(jobId: string): string {
  const hex = createHash('sha256').update(jobId).digest('hex');
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `8${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join('-');
}

async function prepareQueue(boss: PgBoss): Promise<void> {
  await boss.createQueue(queueName, { policy: 'key_strict_fifo', ...queueSettings });
  await boss.updateQueue(queueName, queueSettings);
  // Fills the cache that `send` consults: embedded, it could not be filled from inside a transaction.
  await boss.findJobs(queueName, { id: randomUUID() });
}

/**
 * What a process left running that was killed is taken up at once, without waiting for its heartbeat to be missed.
 * Right only where no other process can be at work, which the lock of the data directory ensures.
 */
async function takeUpLeftJobs(store: Store): Promise<void> {
  await store.session.execute(
    `update pgboss.job set state = 'retry', start_after = now() where name = '${queueName}' and state = 'active'`,
  );
}

/** Opens the queue that lives in schema `pgboss` of the store. Stop it before the store is closed. */
export async function openQueue(store: Store, options: JobQueueOptions = {}): Promise<JobQueue> {
  const boss = makeBoss(store);
  boss.on('error', (error) => options.onError?.(error));
  await boss.start();
  await prepareQueue(boss);
  if (store.engine === 'embedded') await takeUpLeftJobs(store);
  const stopping = new AbortController();
  let stopped: Promise<void> | undefined;

  async function handle(
    handler: JobHandler,
    entry: { data: JobPayload; signal: AbortSignal },
  ): Promise<void> {
    try {
      await handler(entry.data, AbortSignal.any([entry.signal, stopping.signal]));
    } catch (error) {
      // Where the store is out of reach or full, the job itself can tell nobody.
      if (!stopping.signal.aborted) options.onError?.(error);
      throw error;
    }
  }
  async function startWorker(handler: JobHandler): Promise<void> {
    const workerId = await boss.work<JobPayload>(queueName, workSettings(store.engine), async (entries) => {
      for (const entry of entries) await handle(handler, entry);
      // A worker otherwise waits its polling interval after each job. Not after a failure: that would spin.
      boss.notifyWorker(workerId);
    });
  }
  function stop(): Promise<void> {
    stopping.abort(new Error('The queue is stopping'));
    return boss.stop({ graceful: true, timeout: options.stopMilliseconds ?? 30_000 });
  }
  return {
    async send(trx, payload) {
      const id = await boss.send(queueName, payload, {
        id: entryId(payload.jobId),
        singletonKey: payload.syncId,
        db: fromKysely(trx),
      });
      return id !== null;
    },
    async work(concurrency, handler) {
      for (let index = 0; index < concurrency; index += 1) await startWorker(handler);
    },
    stop: () => (stopped ??= stop()),
    [Symbol.asyncDispose]: () => (stopped ??= stop()),
  };
}
