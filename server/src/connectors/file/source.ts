import { hash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import type { ObjectKind } from '@lockstep/contract/vocabulary.ts';
import type { Attributes } from '../../directory/attributes.ts';
import { LockstepError } from '../../kernel/errors.ts';
import type { Completeness, ExternalObject, RawEntry, ReadRequest } from '../../sync/connector.ts';
import { mixFingerprints } from '../../sync/fingerprint.ts';
import type { FileSettings } from './config.ts';
import { adviceOf, emptyError } from './errors.ts';
import { startReading } from './format.ts';
import { aliasOfUid } from './ldif/record.ts';
import { openRegular, type OpenedFile } from './opening.ts';
import type { ParsedRecord } from './record.ts';
import { readRecords } from './record-stream.ts';
import { makeScopes, type Scopes } from './scopes.ts';
import { findKey } from './workspace/rdn.ts';

const mostWarnings = 100;
const batchSize = 500;

/** What is known of a reading so far. */
interface Verdict {
  reason: string | undefined;
  readonly warnings: string[];
  broken: number;
}

/**
 * Streams the objects of the file that lie in the scopes. A record that cannot be understood makes the reading
 * incomplete, since what it says is unknown; the others are read all the same.
 * @throws LockstepError ConnectionFailed when the file cannot be opened.
 */
export async function* readFile(
  settings: FileSettings,
  request: ReadRequest,
): AsyncGenerator<readonly RawEntry[], Completeness> {
  refuseFilters(request);
  const opened = await openRegular(settings.path, request.asTarget === true);
  if (opened === null) return { complete: true, warnings: [] };
  const verdict: Verdict = { reason: undefined, warnings: [], broken: 0 };
  try {
    const scopes = await makeScopes(settings, request, opened.handle);
    yield* readEntries(settings, request, opened.handle, scopes, verdict);
    if (await hasChanged(opened)) verdict.reason ??= 'the file changed while it was read';
  } catch (error) {
    if (!(error instanceof LockstepError)) throw error;
    verdict.reason = adviceOf(error);
  } finally {
    await opened.handle.close();
  }
  return completenessOf(settings, verdict);
}

function completenessOf(settings: FileSettings, { reason, warnings, broken }: Verdict): Completeness {
  if (broken > warnings.length)
    warnings.push(`${broken - warnings.length} further records cannot be understood`);
  if (reason === undefined) return { complete: true, warnings };
  return { complete: false, reason: `${settings.path}: ${reason}`, warnings };
}

/** A file that says nothing is what a failed export leaves behind, except where Lockstep itself is the one that writes it. */
async function* readEntries(
  settings: FileSettings,
  request: ReadRequest,
  handle: FileHandle,
  scopes: Scopes,
  verdict: Verdict,
): AsyncGenerator<readonly RawEntry[], void> {
  if (request.asTarget === true && (await handle.stat()).size === 0) return;
  const makeEntry = entryMaker(settings, request, scopes, verdict);
  const reading = startReading(settings);
  for await (const results of readRecords(handle, reading, request.signal)) {
    const entries: RawEntry[] = [];
    for (const result of results) {
      const entry = result.ok ? makeEntry(result.record) : noteBroken(verdict, result.error);
      if (entry !== undefined) entries.push(entry);
    }
    for (let start = 0; start < entries.length; start += batchSize)
      yield entries.slice(start, start + batchSize);
  }
  if (request.asTarget !== true && reading.parser.isBlank)
    throw emptyError('the file holds nothing but empty lines and comments');
}

function noteBroken(verdict: Verdict, error: LockstepError): undefined {
  verdict.broken++;
  const text = adviceOf(error);
  verdict.reason ??= text;
  if (verdict.warnings.length < mostWarnings) verdict.warnings.push(text);
}

function entryMaker(
  settings: FileSettings,
  request: ReadRequest,
  scopes: Scopes,
  verdict: Verdict,
): (record: ParsedRecord) => RawEntry | undefined {
  const seed = readingSeed(settings, request);
  const lostSeed = hash('sha256', seed, 'hex');
  const spelling = {
    user: spellings(request, 'user'),
    organizationalUnit: spellings(request, 'organizationalUnit'),
    group: spellings(request, 'group'),
  };
  return (record) => {
    const { kind } = record;
    const scope = scopes.scopeOf(record);
    if (kind === 'other') {
      const isDoubtful = scope >= 0 && request.asTarget !== true && isClassless(record);
      return isDoubtful ? noteBroken(verdict, classlessError(record)) : undefined;
    }
    const lostParent = request.asTarget === true ? undefined : scopes.findLostParent(record);
    if (scope < 0) {
      if (lostParent !== undefined) noteUnplaced(verdict, record, lostParent);
      return undefined;
    }
    return {
      kind,
      scope,
      externalId: record.externalId,
      // A parent that comes or goes changes the record, of which not a byte is another.
      fingerprint: mixFingerprints(
        hash('sha256', record.raw.bytes, 'hex'),
        lostParent === undefined ? seed : lostSeed,
      ),
      decode: () => {
        if (lostParent !== undefined) throw lostParentError(record, lostParent);
        const object = decodeRecord(record, kind, scopes.parentsOf(record, scope), settings, spelling[kind]);
        return sharesIds(settings, request) && kind === 'group' ? namedAsGroup(object) : object;
      },
    };
  };
}

/** An entry of which an export left out the object classes may be of any kind: a person, too. */
function isClassless(record: ParsedRecord): boolean {
  return findKey(record.attributes(), 'objectClass') === undefined;
}

function classlessError({ raw, location }: ParsedRecord): LockstepError {
  const message = `line ${raw.line}: the kind of ${location} cannot be told without an objectClass`;
  return new LockstepError('InvalidRecord', message, {
    position: { line: raw.line, column: 1 },
    remedy: 'Let the export write objectClass as well.',
  });
}

function lostParentError({ raw, externalId }: ParsedRecord, parent: string): LockstepError {
  const message = `line ${raw.line}: the parent of ${externalId}, ${parent}, is no organizational unit of this file`;
  return new LockstepError('ParentNotFound', message, {
    position: { line: raw.line, column: 1 },
    remedy: 'Add a record of the unit, or correct or empty the parent.',
  });
}

/** Whether such a record lies in a scope cannot be told: it must not count as gone. */
function noteUnplaced(verdict: Verdict, record: ParsedRecord, parent: string): void {
  noteBroken(verdict, lostParentError(record, parent));
}

/** Lower-case attribute name to the spelling that the mapping uses: LDIF does not tell cases apart. */
function spellings(request: ReadRequest, kind: ObjectKind): ReadonlyMap<string, string> {
  return new Map(request.attributes[kind].map((name) => [name.toLowerCase(), name]));
}

function decodeRecord(
  record: ParsedRecord,
  kind: ObjectKind,
  parents: readonly string[],
  settings: FileSettings,
  spelling: ReadonlyMap<string, string>,
): ExternalObject {
  const ldif = settings.format === 'ldif';
  const read = record.attributes();
  const attributes = ldif ? respell(read, spelling) : { ...read, name: [record.name] };
  const uid =
    ldif && kind === 'user'
      ? (attributes['uid'] ?? attributes[spelling.get('uid') ?? 'uid'])?.[0]
      : undefined;
  return {
    reference: record.reference,
    alias: typeof uid === 'string' ? aliasOfUid(uid) : undefined,
    location: record.location,
    parents,
    name: record.name,
    attributes,
    members: kind === 'group' ? membersOf(record, ldif) : undefined,
    enabled: kind === 'user' ? record.enabled : undefined,
  };
}

/** In the tables of a database users and groups are often numbered alike. A target is not written where they are. */
function sharesIds({ format }: FileSettings, { asTarget }: ReadRequest): boolean {
  return format !== 'ldif' && asTarget !== true;
}

/** By its bare id a group is named where no user has that id: references go before aliases. */
function namedAsGroup(object: ExternalObject): ExternalObject {
  return { ...object, reference: `group:${object.reference}`, alias: object.reference };
}

function respell(attributes: Attributes, spelling: ReadonlyMap<string, string>): Attributes {
  return Object.fromEntries(
    Object.entries(attributes).map(([name, values]) => [spelling.get(name.toLowerCase()) ?? name, values]),
  );
}

/** A group in LDIF that names itself does so because its class demands a member (RFC 4519 section 3.5). */
function membersOf(record: ParsedRecord, ldif: boolean): string[] {
  const references = new Set(record.members().map((member) => member.reference));
  if (ldif) references.delete(record.reference);
  return [...references];
}

/** What else decides how bytes are understood; a change of it makes every object be looked at again. */
function readingSeed(settings: FileSettings, request: ReadRequest): string {
  const { format, csv, disabled } = settings;
  const rules = format === 'csv' ? [format, csv] : [format, disabled ?? null];
  return hash('sha256', JSON.stringify(sharesIds(settings, request) ? [...rules, 'group:'] : rules), 'hex');
}

function refuseFilters(request: ReadRequest): void {
  for (const { filter } of request.scopes) refuseFilter(filter ?? '');
}

/** @throws LockstepError InvalidConfiguration for any but the empty one */
export function refuseFilter(filter: string): void {
  if (filter === '') return;
  throw new LockstepError('InvalidConfiguration', 'a scope of a file takes no filter', {
    field: 'filter',
    remedy: 'Leave the filter out, and leave out objects with a mapping, or write a smaller file.',
  });
}

async function hasChanged({ handle, size, modifiedMs }: OpenedFile): Promise<boolean> {
  const now = await handle.stat();
  return now.size !== size || now.mtimeMs !== modifiedMs;
}
