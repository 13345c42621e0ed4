import { setTimeout as delay } from 'node:timers/promises';
import type { TargetChange } from '../../sync/connector.ts';
import { entriesOf, readOne } from './client.ts';
import { joinDn, normaliseReference, splitDn } from './location.ts';
import { equality, or, type Filter } from './protocol/filter/filter.ts';
import type { RawSearchEntry } from './protocol/messages/entry.ts';
import { namingAttributes, whateverNames, type NamingAttribute } from './references.ts';
import { locationAt, type Writing } from './writing.ts';

/** An entry whose values of an attribute change when the server itself lets them follow the moves of a batch. */
interface Canary {
  readonly attribute: NamingAttribute;
  readonly dn: string;
  readonly values: string;
  /** The mark of `Relocations` at which it was called so. */
  readonly since: number;
}

/** Up to this many names are looked for one by one. */
const fewNames = 20;
/** Milliseconds between looks: servers that repair references behind the answer do it at once. */
const patience = [0, 10, 40, 150, 300, 500];

/**
 * Where one entry takes the name that another one leaves in the same batch, a reference to that name means either,
 * depending on whether the server has repaired it. To be called before the moves: finds references that tell whether
 * it does. None where no name is used again, or all is known.
 */
export async function placeCanaries(
  writing: Writing,
  changes: readonly TargetChange[],
): Promise<readonly Canary[]> {
  const known = changes.map((change) => locatedNow(writing, change));
  const moves = movesOfReusedNames(known);
  if (moves.size === 0 || writing.recovering) return [];
  const wanted = new Set(namingAttributes.filter((attribute) => !writing.keptByServer.has(attribute)));
  const found: Canary[] = [];
  const { client, scopes, signal } = writing;
  const since = writing.relocations.count;
  // Names of what lies beneath a unit cannot be asked for.
  const isAnybody =
    moves.size > fewNames ||
    changes.some(({ kind, verb }) => verb === 'move' && kind === 'organizationalUnit');
  const filter = or(...(isAnybody ? whateverNames(writing) : whoNames(locationsOf(known, moves))));
  for (const { node } of scopes) {
    if (wanted.size === 0) break;
    const request = {
      base: node,
      scope: 'sub',
      filter,
      attributes: [...wanted],
      pageSize: 500,
      signal,
    } as const;
    for await (const entry of entriesOf(client, request)) {
      for (const attribute of wanted) {
        if (!changesWith(moves, namesIn(entry, attribute))) continue;
        found.push({ attribute, dn: entry.dn(), values: renderNames(entry, attribute), since });
        wanted.delete(attribute);
      }
      if (wanted.size === 0) break;
    }
  }
  return found;
}

/** The change with the place where its entry is, when units above it moved in batches before. */
function locatedNow(writing: Writing, change: TargetChange): TargetChange {
  const { location } = change;
  if (location === null) return change;
  return { ...change, location: locationAt(writing, location, writing.relocations.count) };
}

/** To be called after the moves: notes for each attribute whether the server lets its references follow. */
export async function watchCanaries(writing: Writing, canaries: readonly Canary[]): Promise<void> {
  const { keptByServer, relocations, signal } = writing;
  let waiting = [...canaries];
  for (const milliseconds of patience) {
    if (waiting.length === 0) return;
    await delay(milliseconds, undefined, { signal });
    const still: Canary[] = [];
    for (const canary of waiting) {
      const { attribute, dn, values, since } = canary;
      const base = relocations.follow(dn, since) ?? dn;
      const entry = await readOne(writing.client, { base, attributes: [attribute], signal });
      if (entry === undefined || renderNames(entry, attribute) === values) still.push(canary);
      else keptByServer.set(attribute, true);
    }
    waiting = still;
  }
  for (const { attribute } of waiting) keptByServer.set(attribute, false);
}

/**
 * Moves, by the name that is left, of entries that take or leave a name that another one leaves or takes, be it for
 * what lies beneath.
 */
function movesOfReusedNames(changes: readonly TargetChange[]): ReadonlyMap<string, string> {
  const moves = changes.flatMap(({ verb, location, name, parentLocation }) => {
    if (verb !== 'move' || location === null || name === null || parentLocation === null) return [];
    const [from, to] = [key(location), key(joinDn(name, parentLocation))];
    return from === to ? [] : [[from, to] as const];
  });
  const left = new Set(moves.map(([from]) => from));
  const taken = new Set(moves.flatMap(([, to]) => atOrAbove(to)));
  return new Map(moves.filter(([from, to]) => taken.has(from) || atOrAbove(to).some((dn) => left.has(dn))));
}

/** The normalised DN itself and those above it, nearest first. */
function atOrAbove(dn: string): string[] {
  const above: string[] = [];
  for (let rest = dn; rest !== ''; [, rest] = splitDn(rest)) above.push(rest);
  return above;
}

/** As the server spells them: it may tell apart what the key does not (a tab in a name, and a blank). */
function locationsOf(changes: readonly TargetChange[], moves: ReadonlyMap<string, string>): string[] {
  return changes.flatMap(({ location }) => (location !== null && moves.has(key(location)) ? [location] : []));
}

function whoNames(dns: readonly string[]): Filter[] {
  return dns.flatMap((dn) => namingAttributes.map((attribute) => equality(attribute, dn)));
}

function namesIn(entry: RawSearchEntry, attribute: NamingAttribute): string[] {
  return entry.peekAll(attribute).map(key);
}

function renderNames(entry: RawSearchEntry, attribute: NamingAttribute): string {
  return namesIn(entry, attribute).sort().join('\n');
}

/** Whether these names are others once each follows its move; those that are exchanged are the same ones. */
function changesWith(moves: ReadonlyMap<string, string>, names: readonly string[]): boolean {
  const before = new Set(names);
  return names.some((name) => !before.has(follow(moves, name)));
}

function follow(moves: ReadonlyMap<string, string>, name: string): string {
  const from = atOrAbove(name).find((dn) => moves.has(dn));
  return from === undefined ? name : `${name.slice(0, -from.length)}${moves.get(from)}`;
}

function key(dn: string): string {
  return normaliseReference(dn) ?? dn;
}
