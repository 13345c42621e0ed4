import { sql } from 'kysely';
import type { Kind, Verb } from '@lockstep/contract/vocabulary.ts';
import { valueFromJson } from '../../directory/attributes.ts';
import type { AttributeValue, JsonAttributes } from '../../directory/attributes.ts';
import { isAtOrBelow } from '../../directory/dn/dn.ts';
import { LockstepError } from '../../kernel/errors.ts';
import { isId } from '../../kernel/ids.ts';
import type { TargetChange, TargetPassword, UnitMove } from '../../sync/connector.ts';
import { passwordAttribute, readPseudoAttributes, withoutPseudoAttributes } from '../../sync/image.ts';
import { referencesAttribute } from '../../sync/references.ts';
import type { BatchOutcome, RunnableJob, RunnableSync, TargetBatch } from '../../sync/sync-store.ts';
import type { Store } from '../store.ts';
import { loadPasswords, type PasswordReading } from './passwords.ts';
import { preferKeyLookups, unseen } from './key-lookups.ts';

interface Row {
  ordinal: number;
  kind: Kind;
  verb: Verb;
  object_id: string | null;
  external_id: string | null;
  label: string;
  parent_id: string | null;
  member_id: string | null;
  member_kind: 'user' | 'group' | null;
  before: JsonAttributes | null;
  after: JsonAttributes | null;
  scope: number | null;
  location: string | null;
  l_external_id: string | null;
  l_location: string | null;
  p_location: string | null;
  m_external_id: string | null;
  m_location: string | null;
  m_alias: string | null;
  x_reference: string | null;
  /** Where the objects are that `$references` of `after` names, by id. */
  named: Record<string, string> | null;
}

async function loadRows(
  store: Store,
  job: RunnableJob,
  sync: RunnableSync,
  from: number,
  size: number,
): Promise<Row[]> {
  return store.transaction(async (trx) => {
    await preferKeyLookups(trx);
    const { rows } = await sql<Row>`
    select c.ordinal, c.kind, c.verb, c.object_id, c.external_id, c.label, c.parent_id, c.member_id, c.member_kind, c.before,
      c.after, c.scope, c.location, l.external_id as l_external_id, l.location as l_location, p.location as p_location,
      m.external_id as m_external_id, m.location as m_location, m.alias as m_alias, x.reference as x_reference,
      case when c.after ? ${referencesAttribute} then (
        select jsonb_object_agg(n.object_id, coalesce(v.location, n.location))
        from jsonb_array_elements_text(c.after -> ${referencesAttribute}) a (name)
        cross join jsonb_array_elements_text(c.after -> a.name) e (id)
        join link n on n.sync_serial = ${unseen(sync.serial)} and n.object_id = e.id and n.location is not null
        -- One that has yet to move is where it was read: another hand may have put it there.
        left join change v on v.job_serial = ${job.serial} and v.object_id = e.id and v.kind = n.kind and v.verb = 'move'
          and v.ordinal > ${from} and v.result is null
      ) end as named
    from (
      select * from change
      where job_serial = ${job.serial} and ordinal > ${from} and result is null order by ordinal limit ${size}
    ) c
    left join link l on l.sync_serial = ${unseen(sync.serial)} and l.object_id = c.object_id
    left join link p on p.sync_serial = ${unseen(sync.serial)} and p.object_id = c.parent_id
    left join link m on m.sync_serial = ${unseen(sync.serial)} and m.object_id = c.member_id
    left join membership_link x on x.sync_serial = ${unseen(sync.serial)} and x.group_id = c.object_id
      and x.member_id = case when c.external_id is not null then c.member_id end
    order by c.ordinal`.execute(trx);
    return rows;
  });
}

/** The rows up to the first that hangs on one of them, or on an unrecorded object, and what these rows place. */
interface Cut {
  readonly rows: readonly Row[];
  readonly placed: ReadonlySet<string>;
}

/**
 * A batch ends before a change that hangs on one of its own: its place is known only when that one is done. Users and
 * groups move only after all units, since those that exchange names must be in one batch.
 */
function cut(rows: readonly Row[], unrecorded: ReadonlySet<string>): Cut {
  const placed = new Set<string>();
  let placesUnits = [...unrecorded].some((id) => isId('organizationalUnit', id));
  for (const [index, row] of rows.entries()) {
    const needs =
      row.kind === 'membership'
        ? [row.object_id, row.member_id]
        : [...(isInverted(row) ? [] : [row.parent_id]), ...namedIds(row), ...later(row)];
    const hangs = needs.some((id) => id !== null && (placed.has(id) || unrecorded.has(id)));
    const isUnit = row.kind === 'organizationalUnit';
    const waits = row.verb === 'move' && !isUnit && placesUnits;
    if (hangs || waits || (isInverted(row) && unrecorded.has(row.parent_id ?? '')))
      return { rows: rows.slice(0, index), placed };
    if (
      row.kind !== 'membership' &&
      row.object_id !== null &&
      ['create', 'move', 'bind'].includes(row.verb)
    ) {
      placed.add(row.object_id);
      placesUnits ||= isUnit;
    }
  }
  return { rows, placed };
}

/** A unit that goes below one that was below it: where they exchange names too, neither can go without the other. */
function isInverted({ kind, verb, location, p_location: parent }: Row): boolean {
  const isMove = kind === 'organizationalUnit' && verb === 'move';
  return isMove && location !== null && parent !== null && isAtOrBelow(parent, location);
}

function values(json: JsonAttributes | null): Record<string, readonly AttributeValue[]> {
  const attributes: Record<string, readonly AttributeValue[]> = {};
  for (const [name, list] of Object.entries(withoutPseudoAttributes(json ?? {})))
    attributes[name] = list.map(valueFromJson);
  return attributes;
}

function referencesOf({ after }: Row): string[] {
  return (after?.[referencesAttribute] ?? []).filter((name) => typeof name === 'string');
}

/** The objects that the attributes of a change name. */
function namedIds(row: Row): string[] {
  return referencesOf(row).flatMap((name) =>
    (row.after?.[name] ?? []).filter((id) => typeof id === 'string'),
  );
}

/**
 * An update that waits for what the plan creates or binds: its object, whose id it takes from there, or one that it
 * names.
 */
function later(row: Row): (string | null)[] {
  return row.verb === 'update' && row.external_id === null ? [row.object_id] : [];
}

/** Attributes of an entry that shall name an object which is not in the target. */
function unresolvedNames(row: Row): string[] {
  if (row.verb === 'create') return [];
  return referencesOf(row).filter((name) =>
    (row.after?.[name] ?? []).some((id) => typeof id === 'string' && row.named?.[id] === undefined),
  );
}

/** Attributes to set, references by what the objects go by now; those that are not there are left out. */
function wantedValues(row: Row): Record<string, readonly AttributeValue[]> {
  const wanted = values(row.after);
  for (const name of referencesOf(row))
    wanted[name] = (wanted[name] ?? []).flatMap((id) => row.named?.[String(id)] ?? []);
  return wanted;
}

function skipped(row: Row, message: string): BatchOutcome {
  const { ordinal, kind, verb } = row;
  return { ordinal, kind, verb, result: 'skipped', code: 'DependencyFailed', message };
}

function setsPassword({ after }: Row): boolean {
  return after?.[passwordAttribute] !== undefined;
}

type Passwords = ReadonlyMap<string, TargetPassword | LockstepError>;

/** The password that a change sets, or why it cannot be carried out. */
function passwordOf(row: Row, passwords: Passwords): TargetPassword | BatchOutcome | undefined {
  if (!setsPassword(row)) return undefined;
  const password = passwords.get(row.object_id ?? '') ?? expired;
  if (!(password instanceof LockstepError)) return password;
  const { ordinal, kind, verb } = row;
  return { ordinal, kind, verb, result: 'failed', code: password.code, message: password.message };
}

const expired = new LockstepError(
  'PasswordExpired',
  'the password expired, or was taken back, before it could be written; set it again',
);

function objectChange(row: Row, nodes: readonly string[], passwords: Passwords): TargetChange | BatchOutcome {
  const places = row.verb === 'create' || row.verb === 'move';
  const parentLocation = row.parent_id === null ? (nodes[row.scope ?? 0] ?? '') : row.p_location;
  if (places && parentLocation === null)
    return skipped(row, 'the organizational unit above it is not in the target');
  const after = readPseudoAttributes(row.after ?? {});
  const wanted = row.verb === 'delete' ? {} : wantedValues(row);
  const unresolved = unresolvedNames(row);
  // What could not come to be takes nothing away.
  const set = Object.fromEntries(Object.entries(wanted).filter(([name]) => !unresolved.includes(name)));
  const setsNothing = Object.keys(set).length === 0 && after.enabled === null && !setsPassword(row);
  const [pending] = later(row);
  if ((pending !== undefined && row.l_external_id === null) || (unresolved.length > 0 && setsNothing))
    return skipped(row, 'the object that it names is not in the target');
  const password = passwordOf(row, passwords);
  if (password !== undefined && 'result' in password) return password;
  return {
    ordinal: row.ordinal,
    kind: row.kind,
    verb: row.verb,
    externalId: row.verb === 'create' ? null : (row.external_id ?? row.l_external_id),
    location: row.verb === 'create' ? null : (row.location ?? row.l_location),
    parentLocation: places ? parentLocation : null,
    name: places ? after.name : null,
    set,
    before: values(row.before),
    ...(after.enabled === null ? {} : { enabled: after.enabled }),
    ...(unresolved.length === 0 ? {} : { unresolved }),
    ...(password === undefined ? {} : { password }),
  };
}

function membershipChange(row: Row): TargetChange | BatchOutcome {
  if (row.l_location === null) return skipped(row, 'the group is not in the target');
  if (row.m_location === null && row.verb !== 'removeMember')
    return skipped(row, 'the member is not in the target');
  return {
    ordinal: row.ordinal,
    kind: 'membership',
    verb: row.verb,
    externalId: row.l_external_id,
    location: row.l_location,
    parentLocation: null,
    name: null,
    set: {},
    before: {},
    member: {
      kind: row.member_kind ?? 'user',
      externalId: row.m_external_id,
      location: row.m_location,
      alias: row.m_alias,
      reference: row.x_reference ?? row.external_id,
    },
  };
}

/**
 * The next changes for the connected system, with every place resolved as it is by now; null when the first of them
 * hangs on an unrecorded object.
 */
export async function loadTargetBatch(
  store: Store,
  job: RunnableJob,
  sync: RunnableSync,
  from: number,
  size: number,
  nodes: readonly string[],
  unrecorded: ReadonlySet<string>,
  reading: PasswordReading,
): Promise<TargetBatch | null> {
  const loaded = await loadRows(store, job, sync, from, size);
  const { rows, placed } = cut(loaded, unrecorded);
  const last = rows.at(-1);
  if (!last && loaded.length > 0) return null;
  // Nothing left that has no outcome: the rest of the plan was settled before.
  if (!last) return { through: job.lastOrdinal, changes: [], settled: [], placed };
  const changes: TargetChange[] = [];
  const settled: BatchOutcome[] = [];
  const users = rows.filter(setsPassword).flatMap(({ object_id: id }) => id ?? []);
  const passwords = await loadPasswords(store, sync, users, reading);
  for (const row of rows) {
    if (row.verb === 'bind') {
      settled.push({ ordinal: row.ordinal, kind: row.kind, verb: row.verb, result: 'success' });
      continue;
    }
    const change = row.kind === 'membership' ? membershipChange(row) : objectChange(row, nodes, passwords);
    if ('result' in change) settled.push(change);
    else changes.push(change);
  }
  return { through: last.ordinal, changes, settled, placed };
}

/** Units that a job has moved in the connected system so far, in their order. */
export async function listUnitMoves(
  store: Store,
  job: RunnableJob,
  sync: RunnableSync,
): Promise<readonly UnitMove[]> {
  const { rows } = await sql<UnitMove>`
    select c.location as "from", l.location as "to"
    from change c join link l on l.sync_serial = ${unseen(sync.serial)} and l.object_id = c.object_id
    where c.job_serial = ${job.serial} and c.kind = 'organizationalUnit' and c.verb = 'move' and c.result is null
      and c.ordinal <= (select applied_ordinal from job where serial = ${job.serial})
      and c.location is not null and l.location is not null
    order by c.ordinal`.execute(store.db);
  return rows;
}
