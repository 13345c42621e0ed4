/**
 * Where an entry is, in terms of the text of DNs. Splitting does not normalise, so that names are kept as spelled;
 * comparison is done on normalised DNs (directory/dn/dn.ts).
 */

/** Offset of the first separator of RDNs (RFC 4514: not escaped; not in quotes, or a semicolon, as in RFC 2253), or -1. */
function firstSeparator(dn: string): number {
  if (!/[\\";]/.test(dn)) return dn.indexOf(',');
  let quoted = false;
  for (let index = 0; index < dn.length; index++) {
    const char = dn[index];
    if (char === '\\') index++;
    else if (char === '"') quoted = !quoted;
    else if ((char === ',' || char === ';') && !quoted) return index;
  }
  return -1;
}

/** The RDN and the DN of the parent, both as spelled; the parent of a DN with one RDN is the empty string. */
export function splitDn(dn: string): { readonly name: string; readonly parent: string } {
  const comma = firstSeparator(dn);
  if (comma < 0) return { name: trimRdn(dn), parent: '' };
  return { name: trimRdn(dn.slice(0, comma)), parent: dn.slice(comma + 1).trimStart() };
}

/** Without outer blanks; one that a backslash escapes belongs to the value. */
function trimRdn(rdn: string): string {
  const trimmed = rdn.trim();
  return rdn.trimStart() !== trimmed && /(^|[^\\])(\\\\)*\\$/.test(trimmed) ? `${trimmed} ` : trimmed;
}

export function joinDn(name: string, parent: string): string {
  return parent === '' ? name : `${name},${parent}`;
}

/** Normalised DNs of what is above an entry and below the node, nearest first. */
export function ancestorsBelow(normalised: string, node: string): string[] {
  const ancestors: string[] = [];
  let { parent } = splitDn(normalised);
  while (parent !== '' && parent !== node) {
    ancestors.push(parent);
    parent = splitDn(parent).parent;
  }
  return ancestors;
}

const longestId = 1000;

/** A normalised DN as an external id: at most 1,000 characters, a longer one with its hash at the end. */
export function idOfDn(normalised: string, hash: (text: string) => string): string {
  if (normalised.length <= longestId) return normalised;
  return `${normalised.slice(0, 900)}#${hash(normalised)}`;
}
