/** An entry as slapcat or ldapsearch printed it; attribute names verbatim, values in order, as bytes in latin1. */
export interface DumpedEntry {
  readonly dn: string;
  /** Attribute (as printed, with options) to its values; each value decoded from UTF-8, or a Buffer if it is none. */
  readonly attributes: Record<string, (string | Buffer)[]>;
}

/** Parses LDIF content records as OpenLDAP's tools print them: folded lines, `::` base64, `#` comments. */
export function parseLdifDump(text: string): DumpedEntry[] {
  const entries: DumpedEntry[] = [];
  for (const record of text.replaceAll(/\r?\n /g, '').split(/\n{2,}/)) {
    const entry = parseRecord(record);
    if (entry) entries.push(entry);
  }
  return entries;
}

function parseRecord(record: string): DumpedEntry | undefined {
  let dn: string | undefined;
  const attributes: Record<string, (string | Buffer)[]> = {};
  for (const line of record.split('\n')) {
    const parsed = parseLine(line);
    if (!parsed) continue;
    const [name, value] = parsed;
    if (dn === undefined) {
      if (name === 'dn') dn = String(value);
    } else {
      (attributes[name] ??= []).push(value);
    }
  }
  return dn === undefined ? undefined : { dn, attributes };
}

function parseLine(line: string): [string, string | Buffer] | undefined {
  if (line === '' || line.startsWith('#')) return undefined;
  const colon = line.indexOf(':');
  if (colon < 0) return undefined;
  const name = line.slice(0, colon);
  if (line[colon + 1] !== ':') return [name, line.slice(colon + 1).trimStart()];
  const bytes = Buffer.from(line.slice(colon + 2).trim(), 'base64');
  const text = bytes.toString();
  const isText = !text.includes('\0') && Buffer.from(text).equals(bytes);
  return [name, isText ? text : bytes];
}
