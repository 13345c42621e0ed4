import type { AttributeValue } from '../../directory/attributes.ts';
import type { TargetChange, TargetOutcome } from '../../sync/connector.ts';
import { attributesOf } from './attributes.ts';
import type { BatchAnswer } from './batch.ts';
import { faultError, isAlreadyThere } from './graph-error.ts';
import { bodyOf, collectionOf, writeManagers } from './object-writes.ts';
import { failed, refused, succeeded } from './outcome.ts';
import { randomPassword } from './password.ts';
import type { EntraKind } from './select.ts';
import type { Writing } from './writing.ts';

interface Creation {
  readonly change: TargetChange;
  /** What is asked for, without the password. */
  readonly body: Record<string, unknown>;
  /** What its nickname was made from. */
  readonly nickname: string;
}

/** Nicknames are tried so often, where Graph knows of one that the copy does not. */
const mostNicknames = 5;

async function prepare({ nicknames }: Writing, change: TargetChange): Promise<Creation> {
  const body = bodyOf(change);
  const nickname = typeof body['mailNickname'] === 'string' ? body['mailNickname'] : change.kind;
  body['mailNickname'] = await nicknames.take(nickname);
  if (change.kind === 'group') Object.assign(body, { mailEnabled: false, securityEnabled: true });
  else body['accountEnabled'] ??= true;
  return { change, body: withoutNulls(body), nickname };
}

function withoutNulls(body: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(body).filter(([, value]) => value !== null));
}

/** A new account has a password that nobody knows. */
function requestBody({ change, body }: Creation): Record<string, unknown> {
  if (change.kind === 'group') return body;
  return {
    ...body,
    passwordProfile: { password: randomPassword(), forceChangePasswordNextSignIn: true },
  };
}

const quoted = (text: unknown): string => `'${String(text).replaceAll("'", "''")}'`;

/** Where an object that an earlier attempt made is to be found. */
function lookupPath({ change, body }: Creation): string {
  const properties = Object.keys(body).filter((name) => !name.includes('.'));
  const select = `$select=${['id', ...properties].join(',')}`;
  const filter =
    change.kind === 'group'
      ? `mailNickname eq ${quoted(body['mailNickname'])}`
      : `userPrincipalName eq ${quoted(body['userPrincipalName'])}`;
  return `${collectionOf(change.kind)}?$filter=${encodeURIComponent(filter)}&${select}`;
}

function sameTexts(left: readonly AttributeValue[] | undefined, right: readonly AttributeValue[]): boolean {
  return JSON.stringify(left ?? []).toLowerCase() === JSON.stringify(right).toLowerCase();
}

/** The object that looks as if an earlier attempt at this creation had made it: each property is as it was to be. */
async function findMade(writing: Writing, creation: Creation): Promise<string | undefined> {
  const answer = await writing.graph.get(lookupPath(creation), 'looking for an object', writing.signal);
  const wanted = Object.entries(attributesOf(creation.body));
  for (const candidate of (answer['value'] ?? []) as Record<string, unknown>[]) {
    const found = attributesOf(candidate);
    const id = candidate['id'];
    if (typeof id !== 'string' || writing.made.has(id)) continue;
    if (wanted.every(([name, values]) => sameTexts(found[name], values))) return id;
  }
  return undefined;
}

/** Groups may have equal names, so that one that was made by an earlier attempt has to be looked for first. */
async function findEarlierGroups(
  writing: Writing,
  creations: readonly Creation[],
): Promise<Map<Creation, string>> {
  const found = new Map<Creation, string>();
  if (!writing.recovering) return found;
  for (const creation of creations) {
    if (creation.change.kind !== 'group') continue;
    // oxlint-disable-next-line no-await-in-loop -- only after a crash
    const id = await findMade(writing, creation);
    if (id === undefined) continue;
    found.set(creation, id);
    writing.made.add(id);
  }
  return found;
}

function noteMade(writing: Writing, { change, body }: Creation, id: string): void {
  writing.made.add(id);
  writing.note({
    verb: 'replace',
    kind: change.kind as EntraKind,
    externalId: id,
    attributes: { ...body, id, ...(change.kind === 'group' && { groupTypes: [] }) },
  });
}

/** Sends creations; those whose nickname is taken after all are sent again with the next one. */
async function sendCreations(writing: Writing, creations: readonly Creation[]): Promise<BatchAnswer[]> {
  const answers: BatchAnswer[] = [];
  let open = creations.map((_, index) => index);
  for (let round = 0; open.length > 0 && round < mostNicknames; round += 1) {
    // oxlint-disable-next-line no-await-in-loop -- tries follow each other
    const sent = await writing.sender.send(
      open.map((index) => creationItem(creations[index] as Creation)),
      writing.signal,
    );
    open.forEach((index, position) => (answers[index] = sent[position] as BatchAnswer));
    open = open.filter((index) => isNicknameTaken(answers[index] as BatchAnswer));
    for (const index of open) {
      const creation = creations[index] as Creation;
      // oxlint-disable-next-line no-await-in-loop -- one nickname after the other
      creation.body['mailNickname'] = await writing.nicknames.take(creation.nickname);
    }
  }
  return answers;
}

function creationItem(creation: Creation) {
  const url = collectionOf(creation.change.kind);
  return { method: 'POST' as const, url, body: requestBody(creation), creates: true };
}

function isNicknameTaken(answer: BatchAnswer): boolean {
  return !answer.ok && isAlreadyThere(answer.fault) && answer.fault.target?.toLowerCase() === 'mailnickname';
}

/** The id of what a creation made, now or in an earlier attempt; else its failure. */
async function settle(
  writing: Writing,
  creation: Creation,
  answer: BatchAnswer,
): Promise<string | TargetOutcome> {
  const { change, body } = creation;
  if (answer.ok) {
    const id = answer.body['id'];
    return typeof id === 'string' ? id : refused(change, 'ProtocolError', 'Microsoft Graph gave no id');
  }
  const isThere = isAlreadyThere(answer.fault);
  if (isThere && (writing.recovering || answer.doubtful)) {
    const id = await findMade(writing, creation);
    if (id !== undefined) return id;
  }
  if (!isThere) return failed(change, answer.fault, `creating a ${change.kind}`);
  const { target = 'userPrincipalName' } = answer.fault;
  return refused(
    change,
    'NameTaken',
    `another object of the tenant has ${target} ${JSON.stringify(body[target] ?? body['userPrincipalName'])}: ${faultError(answer.fault, 'creating').message}`,
  );
}

/** Creates people and security groups. */
export async function writeCreations(
  writing: Writing,
  changes: readonly TargetChange[],
): Promise<TargetOutcome[]> {
  const creations: Creation[] = [];
  // oxlint-disable-next-line no-await-in-loop -- one nickname after the other
  for (const change of changes) creations.push(await prepare(writing, change));
  const earlier = await findEarlierGroups(writing, creations);
  const open = creations.filter((creation) => !earlier.has(creation));
  const answers = await sendCreations(writing, open);
  const outcomes = new Map<number, TargetOutcome>();
  const made: { change: TargetChange; id: string }[] = [];
  const keep = (creation: Creation, id: string): void => {
    noteMade(writing, creation, id);
    made.push({ change: creation.change, id });
    outcomes.set(creation.change.ordinal, succeeded(creation.change, id));
  };
  for (const [creation, id] of earlier) keep(creation, id);
  for (const [index, creation] of open.entries()) {
    // oxlint-disable-next-line no-await-in-loop -- only conflicts ask anything
    const result = await settle(writing, creation, answers[index] as BatchAnswer);
    if (typeof result === 'string') keep(creation, result);
    else outcomes.set(creation.change.ordinal, result);
  }
  await writeManagers(writing, made);
  return changes.map(
    ({ ordinal }) => outcomes.get(ordinal) ?? refused(changes[0] as TargetChange, 'Internal', 'no answer'),
  );
}
