import { BerWriter } from '../ber/writer.ts';
import { encodeFilter, type Filter, parseFilter } from '../filter/filter.ts';
import type { Control } from './control.ts';

/** Treats referral objects as ordinary entries (RFC 3296 section 3). */
export function manageDsaIt(critical = true): Control {
  return { oid: '2.16.840.1.113730.3.4.2', critical };
}

/** The operation is carried out only if the entry matches the filter, else `assertionFailed` (RFC 4528). */
export function assertion(filter: string | Filter, critical = true): Control {
  const writer = new BerWriter();
  encodeFilter(typeof filter === 'string' ? parseFilter(filter) : filter, writer);
  return { oid: '1.3.6.1.1.12', critical, value: writer.take() };
}

/** Acts as somebody else, `dn:…` or `u:…`; always critical (RFC 4370 section 3). */
export function proxiedAuthorization(authzId: string): Control {
  return { oid: '2.16.840.1.113730.3.4.18', critical: true, value: Buffer.from(authzId) };
}

/** Lets a privileged client write what the schema keeps read-only, entryUUID for instance (OpenLDAP and others). */
export function relaxRules(critical = true): Control {
  return { oid: '1.3.6.1.4.1.4203.666.5.12', critical };
}
