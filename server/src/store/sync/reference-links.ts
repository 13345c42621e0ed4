import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import type { Executor } from '../store.ts';

/**
 * Ingress: whom the records of links name from now on, in the transaction that writes the links.
 * @param rows a query of (kind, external_id, named), one row for each link
 * @param known whether some of the links may have named somebody before
 */
export async function writeReferenceLinks(
  trx: Executor,
  syncSerial: number,
  rows: RawBuilder<unknown>,
  known = true,
): Promise<void> {
  // Record by record, in the order of the primary key: where the statistics know no references of this sync any index
  // with its serial seems as good, and all of them were read for each record.
  if (known)
    await sql`
      delete from reference_link r where r.ctid = any (array(
        select k.ctid from (${rows}) n
        cross join lateral (
          select k.ctid from reference_link k
          where k.sync_serial = ${syncSerial} and k.kind = n.kind and k.external_id = n.external_id
          order by k.attribute, k.position) k))`.execute(trx);
  await sql`
    insert into reference_link (sync_serial, kind, external_id, attribute, position, reference, object_id)
    select ${syncSerial}::bigint, n.kind, n.external_id, a.key, v.position, v.pair ->> 0, v.pair ->> 1
    from (${rows}) n
    cross join lateral jsonb_each(n.named) a
    cross join lateral jsonb_array_elements(a.value) with ordinality as v (pair, position)
    where n.named is not null`.execute(trx);
}
