import { AsyncLocalStorage } from 'node:async_hooks';
import { LockstepError } from '../kernel/errors.ts';

interface Scope {
  over: boolean;
}

/**
 * Knows which code runs inside a transaction of one store. Embedded there is one connection, so a query on `db` in
 * there would wait for the end of the transaction that waits for it; a server would run it outside the transaction.
 */
export class TransactionGuard {
  readonly #scopes = new AsyncLocalStorage<Scope>();

  async within<T>(work: () => Promise<T>): Promise<T> {
    const scope: Scope = { over: false };
    try {
      return await this.#scopes.run(scope, work);
    } finally {
      scope.over = true;
    }
  }

  /** @throws LockstepError Internal inside a transaction */
  assertOutside(): void {
    const scope = this.#scopes.getStore();
    if (scope === undefined || scope.over) return;
    throw new LockstepError(
      'Internal',
      'A query was made on `db` inside a transaction of the same store; it must use the handle that the transaction was given',
    );
  }
}
