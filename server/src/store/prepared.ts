import { sql } from 'kysely';

/** How a connection knows statements that are to be kept. */
export const preparedMark = '/* prepared */';

/**
 * At the beginning of a statement: a server parses and plans it once for each connection and not each time, which for a
 * lookup by key takes several times as long as the lookup. For statements of few texts that find their rows by a key,
 * whatever the values are, in tables that are analyzed as they grow. The embedded store, whose connections share one
 * session, plans them each time.
 */
export const prepared = sql.raw(preparedMark);
