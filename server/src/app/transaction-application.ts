import type { Application, Transaction } from './application.ts';

/**
 * The application inside a transaction: use cases that are given it read and write in that one transaction, and what
 * they do is undone together when it is. They must run one after the other.
 */
export function applicationWithin(app: Application, trx: Transaction): Application {
  const { store } = app;
  return {
    ...app,
    store: {
      engine: store.engine,
      session: store.session,
      dataDirectory: store.dataDirectory,
      failed: store.failed,
      db: trx,
      transaction: async (work) => work(trx),
      copyInto: async (executor, table, columns, rows) => store.copyInto(executor, table, columns, rows),
      close: async () => undefined,
      [Symbol.asyncDispose]: async () => undefined,
    },
  };
}
