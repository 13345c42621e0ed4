import type { Application } from '../../server/src/app/application.ts';
import { bootstrapInstallation, type AdministratorCredentials } from '../../server/src/app/installation.ts';
import { fileConnector } from '../../server/src/connectors/file/connector.ts';
import { systemClock } from '../../server/src/kernel/clock.ts';
import type { Store } from '../../server/src/store/store.ts';
import type { Connector } from '../../server/src/sync/connector.ts';

/** The use cases over a real store, with a queue that only notes what was sent to it, and no worker. */
export interface IdleApplication extends Application {
  readonly sent: { jobId: string; syncId: string }[];
  readonly credentials: AdministratorCredentials;
}

/** Seals by writing the context in front: enough to see that contexts are kept apart. */
const openVault: Application['vault'] = {
  seal: (secret, context) => Buffer.from(JSON.stringify([context, secret])),
  open: (sealed, context) => {
    const [sealedFor, secret] = JSON.parse(Buffer.from(sealed).toString()) as [string, string];
    if (sealedFor !== context) throw new Error('sealed for another context');
    return secret;
  },
};

export async function openIdleApplication(store: Store): Promise<IdleApplication> {
  const sent: IdleApplication['sent'] = [];
  const application: Application = {
    store,
    queue: {
      send: async (_trx, job) => {
        sent.push(job);
      },
    },
    connectors: new Map([['file', fileConnector as Connector]]),
    vault: openVault,
    clock: systemClock,
    baseDirectory: '/nonexistent',
  };
  const credentials = await bootstrapInstallation(application);
  if (credentials === undefined) throw new Error('the store was not empty');
  return { ...application, sent, credentials };
}
