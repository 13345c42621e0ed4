import { isAtOrBelow, isWithin, normaliseDn, parseDn, type Dn } from '../../directory/dn/dn.ts';

/** Where an entry is. */
export interface Location {
  /** The normalised DN. */
  readonly reference: string;
  /** The RDN as the server spells it. */
  readonly name: string;
  /** Normalised DNs above it, nearest first, without the scope's node. */
  readonly parents: readonly string[];
}

interface Container {
  readonly reference: string;
  /** Of an entry right in this container. */
  readonly parents: readonly string[];
}

const mostContainers = 20_000;

/** Tells where entries below one node are. Entries share their containers, so each of these is parsed once. */
export function makeLocator(node: string): (dn: string) => Location {
  const depth = parseDn(node).rdns.length;
  const containers = new Map<string, Container>();
  return (dn) => {
    const [name, rest] = splitDn(dn);
    let container = containers.get(rest);
    if (container === undefined) {
      container = describeContainer(parseDn(rest), depth);
      if (containers.size >= mostContainers) containers.clear();
      containers.set(rest, container);
    }
    return {
      reference: joinDn(normaliseDn(name), container.reference),
      name,
      parents: container.parents,
    };
  };
}

function describeContainer(dn: Dn, nodeDepth: number): Container {
  const parents: string[] = [];
  for (let skip = 0; skip < dn.rdns.length - nodeDepth; skip += 1) {
    parents.push(normaliseDn({ rdns: dn.rdns.slice(skip) }));
  }
  return { reference: normaliseDn(dn), parents };
}

/** The RDN and the DN above it, both verbatim: split at the first comma (or RFC 2253's semicolon) that is not escaped or quoted. */
export function splitDn(dn: string): [name: string, rest: string] {
  let quoted = false;
  for (let at = 0; at < dn.length; at += 1) {
    const char = dn.charCodeAt(at);
    if (char === 0x5c) at += 1;
    else if (char === 0x22) quoted = !quoted;
    else if ((char === 0x2c || char === 0x3b) && !quoted)
      return [dn.slice(0, at), dn.slice(at + 1).trimStart()];
  }
  return [dn, ''];
}

export function joinDn(name: string, parent: string): string {
  return parent === '' ? name : `${name},${parent}`;
}

/** The normalised DN, or null when the text is no DN. The empty DN names no entry and is none. */
export function normaliseReference(text: string): string | null {
  if (!text.includes('=')) return null;
  try {
    return normaliseDn(text);
  } catch {
    return null;
  }
}

/** Whether two RDNs are the same: case, blanks and the way of escaping do not count. */
export function sameName(left: string, right: string): boolean {
  if (left === right) return true;
  const normalised = normaliseReference(left);
  return normalised !== null && normalised === normaliseReference(right);
}

export function contains(outerNode: string, innerNode: string): boolean {
  return isWithin(parseDn(innerNode), parseDn(outerNode));
}

/** Whether an entry lies beneath a node, or is it. Most servers spell both alike, so that nothing has to be parsed. */
export function isUnder(dn: string, node: string): boolean {
  return isAtOrBelow(dn, node) || (normaliseReference(dn) !== null && contains(node, dn));
}
