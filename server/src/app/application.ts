import type { Clock } from '../kernel/clock.ts';
import type { Store } from '../store/store.ts';
import type { Connector } from '../sync/connector.ts';

/** The query builder, or the handle of the transaction that the caller is in. */
export type Executor = Store['db'];
/** The handle of a transaction. */
export type Transaction = Parameters<Parameters<Store['transaction']>[0]>[0];

/** Connectors by the type that a connection's configuration names. */
export type ConnectorRegistry = ReadonlyMap<string, Connector>;

/** Seals secrets; the context is bound to the sealed bytes, so that they cannot be moved to another resource. */
export interface Vault {
  seal(secret: string, context: string): Uint8Array;
  /**
   * @param owner what errors call the resource
   * @throws LockstepError when key or context are others than those it was sealed with.
   */
  open(sealed: Uint8Array, context: string, owner: string): string;
}

/** What the use cases work with. Surfaces hand it on and look into none of it. */
export interface Application {
  readonly store: Store;
  readonly queue: JobSender;
  readonly connectors: ConnectorRegistry;
  readonly vault: Vault;
  readonly clock: Clock;
  /** Relative paths of connections start here. */
  readonly baseDirectory: string;
}

/** The sending side of the job queue: the message is sent when the transaction commits. */
export interface JobSender {
  send(trx: Transaction, job: { jobId: string; syncId: string }): Promise<unknown>;
}
