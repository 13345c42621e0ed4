import { PgBoss } from 'pg-boss';
import type { ConstructorOptions } from 'pg-boss';
import { poolOptions } from '../store/postgres.ts';
import type { StoreSession } from '../store/store-session.ts';
import type { Store } from '../store/store.ts';
import { embeddedSettings, serverSettings } from './queue-settings.ts';

type BossDatabase = NonNullable<ConstructorOptions['db']>;

const shared = { schema: 'pgboss', schedule: false, useListenNotify: true, monitorVacuum: false } as const;

/** The embedded engine as pg-boss wants a database; it shares the store's one connection. */
function overSession(session: StoreSession): BossDatabase {
  const listen = session.listen?.bind(session);
  return {
    executeSql: (text, values) => session.execute(text, values),
    ...(listen === undefined
      ? {}
      : {
          async listen(channel, onNotification, onReconnect) {
            const handle = await listen(channel, onNotification);
            onReconnect();
            return handle;
          },
        }),
  };
}

function optionsFor(store: Store): ConstructorOptions {
  const { databaseUrl } = store.session;
  if (databaseUrl === undefined) {
    return {
      ...shared,
      ...embeddedSettings,
      db: overSession(store.session),
      backend: 'pglite',
      reindex: false,
    };
  }
  return {
    ...shared,
    ...serverSettings,
    connectionString: databaseUrl,
    max: 4,
    application_name: 'lockstep-jobs',
    // pg-boss hands on to its pool what it does not know.
    ...poolOptions,
  };
}

/** pg-boss on the database of a store: on a server with connections of its own. */
export function makeBoss(store: Store): PgBoss {
  return new PgBoss(optionsFor(store));
}
