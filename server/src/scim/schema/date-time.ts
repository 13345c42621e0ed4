// xsd:dateTime (RFC 7643 section 2.3.5), the zone optional.
const pattern = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?)(Z|[+-]\d\d:\d\d)?$/i;

/** The instant in milliseconds since 1970; without a zone UTC is meant. Undefined for anything that is no dateTime. */
export function findInstant(text: string): number | undefined {
  const found = pattern.exec(text);
  if (found === null) return undefined;
  const instant = Date.parse(`${found[1]}${found[2] ?? 'Z'}`.toUpperCase());
  return Number.isNaN(instant) ? undefined : instant;
}
