import type { PostgresPool } from 'kysely';
import type pg from 'pg';
import { LockstepError } from '../kernel/errors.ts';
import type { TransactionGuard } from './transaction-guard.ts';

/** A failure to get a connection, or to make what is missing, in words for its operator; the address never holds the password. */
export function unavailable(address: string, cause: unknown): LockstepError {
  if (cause instanceof LockstepError) return cause;
  const reason =
    cause instanceof Error ? cause.message || (cause as NodeJS.ErrnoException).code : String(cause);
  // The driver's words for it are about its own workings.
  if (reason?.includes('client password must be') === true) {
    return new LockstepError('StoreUnavailable', `The database at ${address} asks for a password`, {
      cause,
      remedy: 'Write it into the database URL (postgres://USER:PASSWORD@HOST/DATABASE), or set PGPASSWORD.',
    });
  }
  return new LockstepError('StoreUnavailable', `The database at ${address} cannot be used: ${reason}`, {
    cause,
    remedy:
      'Check the database URL, and that the server is running, accepts this user, and lets it write and create schemas.',
  });
}

/** The pool as the query builder sees it: refuses to hand out a second connection inside a transaction. */
export function guardPool(pool: pg.Pool, guard: TransactionGuard, address: string): PostgresPool {
  return {
    options: pool.options,
    async connect() {
      guard.assertOutside();
      try {
        return await pool.connect();
      } catch (cause) {
        throw unavailable(address, cause);
      }
    },
    end: () => pool.end(),
  };
}
