import { LockstepError } from '../../kernel/errors.ts';
import type { ReadScope, TargetChange } from '../../sync/connector.ts';
import { readAll, readOne } from './client.ts';
import type { LdapShape } from './config.ts';
import { isElsewhere } from './errors.ts';
import { externalIdOf, externalIdValue, isLookupId } from './externalId.ts';
import type { MemberShape } from './objectClasses.ts';
import type { LdapClient } from './protocol/client/client.ts';
import type { Control } from './protocol/controls/control.ts';
import { findReadEntry, postRead, postReadOid } from './protocol/controls/readEntry.ts';
import { assertion } from './protocol/controls/requestControls.ts';
import { normaliseDn } from '../../directory/dn/dn.ts';
import { equality } from './protocol/filter/filter.ts';
import type { RawSearchEntry } from './protocol/messages/entry.ts';
import { resultCodes, resultOf, type LdapResult } from './protocol/messages/result.ts';
import type { Relocations } from '../../directory/dn/relocation.ts';

const assertionOid = '1.3.6.1.1.12';

/** Where an entry was at a mark of `Relocations`: plans know it by the place from before all moves of the job. */
export function locationAt({ relocations }: Writing, location: string, mark: number): string {
  return relocations.follow(location, 0, mark) ?? location;
}

/** How a group stands that this session made and that nobody moved since: what it holds need not be read. */
export interface KnownGroup {
  readonly shape: MemberShape;
  /** The value that stands in for members, when it is there. */
  readonly placeholder: string | undefined;
}

/** What the writing of one batch needs. */
export interface Writing {
  readonly client: LdapClient;
  readonly shape: LdapShape;
  readonly scopes: readonly ReadScope[];
  /** Controls that the server says it supports (RFC 4512 section 5.1). */
  readonly controls: ReadonlySet<string>;
  /** Extended operations that the server says it supports. */
  readonly extensions: ReadonlySet<string>;
  readonly relocations: Relocations;
  /** By external id. */
  readonly knownGroups: Map<string, KnownGroup>;
  /** By attribute: whether the server itself lets references follow who moves; absent: not known. */
  readonly keptByServer: Map<string, boolean>;
  readonly recovering: boolean;
  readonly signal: AbortSignal;
}

export interface Attempt {
  readonly dn: string;
  readonly result: LdapResult;
}

type Write = (dn: string, controls: readonly Control[]) => Promise<LdapResult>;

/**
 * Writes to the entry of a change where it is known to be, and once more where its external id is found when it is no
 * longer there (an ancestor moved, somebody renamed it). An entry that took its place is not written to: the server sees
 * to that by the assertion control (RFC 4528), and where it does not know it, or the operation takes none, a look does.
 */
export async function writeAt(
  writing: Writing,
  change: Pick<TargetChange, 'externalId' | 'location'>,
  write: Write,
  { takesControls = true }: { readonly takesControls?: boolean } = {},
): Promise<Attempt> {
  const { externalId, location } = change;
  const controls = takesControls ? assertionOf(writing, externalId) : [];
  const first =
    location === null ? undefined : await writeIfThere(writing, externalId, location, controls, write);
  if (first !== undefined && !isElsewhere(first.result)) return first;
  const found = await findAgain(writing, externalId, location);
  const isInPlace = found !== undefined && location !== null && normaliseDn(found) === normaliseDn(location);
  if (found === undefined || (isInPlace && first?.result.code !== resultCodes.assertionFailed)) {
    if (first !== undefined) return first;
    throw new LockstepError(
      'NotFound',
      `no entry with ${writing.shape.externalIdAttribute} ${externalId ?? '(none)'}`,
    );
  }
  // The right entry, and yet: overlays of OpenLDAP (unique) hold the assertion against what they search for themselves.
  if (isInPlace) return { dn: found, result: await write(found, []) };
  return { dn: found, result: await write(found, controls) };
}

async function writeIfThere(
  writing: Writing,
  externalId: string | null,
  dn: string,
  controls: readonly Control[],
  write: Write,
): Promise<Attempt> {
  const isThere = controls.length > 0 || (await isEntry(writing, dn, externalId));
  return { dn, result: isThere ? await write(dn, controls) : resultOf(resultCodes.noSuchObject) };
}

/** Whether the entry with the id stands at the DN; taken for granted where entries have no id but their DN. */
async function isEntry(
  { client, shape, signal }: Writing,
  dn: string,
  externalId: string | null,
): Promise<boolean> {
  if (externalId === null || !isLookupId(externalId)) return true;
  const filter = equality(shape.externalIdAttribute, externalIdValue(externalId, shape));
  return (await readOne(client, { base: dn, attributes: ['1.1'], filter, signal })) !== undefined;
}

function assertionOf({ controls, shape }: Writing, externalId: string | null): Control[] {
  if (externalId === null || !isLookupId(externalId) || !controls.has(assertionOid)) return [];
  return [assertion(equality(shape.externalIdAttribute, externalIdValue(externalId, shape)))];
}

/** Where an entry is now: by its external id, or else by the moves of this session. */
export async function findAgain(
  writing: Writing,
  externalId: string | null,
  location: string | null,
): Promise<string | undefined> {
  if (externalId !== null && isLookupId(externalId)) return findById(writing, externalId);
  return location === null ? undefined : writing.relocations.follow(location);
}

/** The DN of the entry with this external id beneath the nodes that this sync writes to. */
async function findById(writing: Writing, externalId: string): Promise<string | undefined> {
  const { client, shape, scopes, signal } = writing;
  const filter = equality(shape.externalIdAttribute, externalIdValue(externalId, shape));
  for (const { node } of scopes) {
    const [entry] = await readAll(client, { base: node, scope: 'sub', filter, attributes: ['1.1'], signal });
    if (entry !== undefined) return entry.dn();
  }
  return undefined;
}

/** An entry as the server names it. */
export interface Written {
  readonly dn: string;
  readonly externalId: string;
}

/** The control that tells how the server names an entry that is written (RFC 4527), where it knows it. */
export function askBack({ controls, shape }: Writing): Control[] {
  return controls.has(postReadOid) ? [postRead([shape.externalIdAttribute])] : [];
}

/** How the server names the entry that was just written: from its answer, or else by reading it. */
export async function readBack(writing: Writing, dn: string, result: LdapResult): Promise<Written> {
  const { client, shape, signal } = writing;
  const entry =
    findReadEntry(result.controls, postReadOid) ??
    (await readOne(client, { base: dn, attributes: [shape.externalIdAttribute], signal }));
  if (entry === undefined) return { dn, externalId: normaliseDn(dn) };
  return { dn: entry.dn(), externalId: idOf(writing, entry) };
}

export function idOf({ shape }: Writing, entry: RawSearchEntry): string {
  return externalIdOf(entry, shape, () => normaliseDn(entry.dn()));
}

/**
 * While recovering: learns which containers of this batch were moved by the attempt before, so that changes which name
 * the places from before find their way.
 */
export async function recallMoves(writing: Writing, changes: readonly TargetChange[]): Promise<void> {
  for (const { kind, verb, externalId, location } of changes) {
    const isContainerMove = kind === 'organizationalUnit' && verb === 'move';
    if (!isContainerMove || location === null || externalId === null || !isLookupId(externalId)) continue;
    const found = await findById(writing, externalId);
    if (found !== undefined && normaliseDn(found) !== normaliseDn(location)) {
      writing.relocations.record(location, found);
    }
  }
}
