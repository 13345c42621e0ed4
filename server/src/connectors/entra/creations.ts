import type { TargetChange, TargetOutcome } from '../../sync/connector.ts';
import type { BatchAnswer } from './batch.ts';
import { faultError, isAlreadyThere, isPassing } from './graph-error.ts';
import { findMade, findMadePatiently, type Wanted } from './lookup.ts';
import { bodyOf, collectionOf, writeManagers } from './object-writes.ts';
import { failed, refused, succeeded } from './outcome.ts';
import { placeInScopes } from './placing.ts';
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

/** A creation is sent so often, where Graph knows of nicknames that the copy does not, or gives no clear answer. */
const mostRounds = 5;

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

const wantedOf = ({ change, body }: Creation): Wanted => ({ kind: change.kind as EntraKind, body });

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
    const result = await findMade(writing, wantedOf(creation));
    if (result.is !== 'made') continue;
    const id = String(result.object['id']);
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
    attributes: {
      ...body,
      id,
      ...(change.kind === 'group' && { groupTypes: [] }),
      ...writing.madeEarlier.mark(change.ordinal),
    },
  });
}

/**
 * Sends creations. Those whose nickname is taken after all are sent again with the next one; groups of which nobody
 * knows whether they were made are looked for before that, since Graph would make a second one.
 */
async function sendCreations(writing: Writing, creations: readonly Creation[]): Promise<BatchAnswer[]> {
  const answers: BatchAnswer[] = [];
  let open = creations.map((_, index) => index);
  for (let round = 0; open.length > 0 && round < mostRounds; round += 1) {
    // oxlint-disable-next-line no-await-in-loop -- tries follow each other
    const sent = await writing.sender.send(
      open.map((index) => creationItem(creations[index] as Creation)),
      writing.signal,
    );
    open.forEach((index, position) => (answers[index] = sent[position] as BatchAnswer));
    const named = open.filter((index) => isNicknameTaken(answers[index] as BatchAnswer));
    for (const index of named) {
      const creation = creations[index] as Creation;
      // oxlint-disable-next-line no-await-in-loop -- one nickname after the other
      creation.body['mailNickname'] = await writing.nicknames.take(creation.nickname);
    }
    const unknown = open.filter((index) => isInDoubt(answers[index] as BatchAnswer));
    // oxlint-disable-next-line no-await-in-loop -- tries follow each other
    const found = await findMadePatiently(
      writing,
      unknown.map((index) => wantedOf(creations[index] as Creation)),
    );
    unknown.forEach((index, position) => {
      const result = found[position];
      if (result?.is === 'made') answers[index] = { ok: true, body: result.object, doubtful: true };
    });
    open = [...named, ...unknown.filter((index) => answers[index]?.ok !== true)];
  }
  return answers;
}

function creationItem(creation: Creation) {
  const { kind } = creation.change;
  const body = requestBody(creation);
  return { method: 'POST' as const, url: collectionOf(kind), body, creates: true, once: kind === 'group' };
}

function isNicknameTaken(answer: BatchAnswer): boolean {
  return !answer.ok && isAlreadyThere(answer.fault) && answer.fault.target?.toLowerCase() === 'mailnickname';
}

function isInDoubt(answer: BatchAnswer): boolean {
  return !answer.ok && answer.doubtful && isPassing(answer.fault);
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
  if (isPassing(answer.fault)) throw faultError(answer.fault, `creating a ${change.kind}`);
  if (!isAlreadyThere(answer.fault)) return failed(change, answer.fault, `creating a ${change.kind}`);
  if (writing.recovering || answer.doubtful) {
    const [found] = await findMadePatiently(writing, [wantedOf(creation)]);
    if (found?.is === 'made') {
      body['mailNickname'] = found.object['mailNickname'];
      return String(found.object['id']);
    }
  }
  const { target = 'userPrincipalName' } = answer.fault;
  return refused(
    change,
    'NameTaken',
    `another object of the tenant has ${target} ${JSON.stringify(body[target] ?? body['userPrincipalName'])}: ${faultError(answer.fault, 'creating').message}`,
  );
}

/** What earlier attempts are known to have made, by the ordinals of their changes. */
async function findNoted(
  { recovering, madeEarlier, made }: Writing,
  changes: readonly TargetChange[],
): Promise<Map<number, string>> {
  const noted = new Map<number, string>();
  if (!recovering) return noted;
  for (const { ordinal } of changes) {
    // oxlint-disable-next-line no-await-in-loop -- the first one looks for all
    const id = await madeEarlier.find(ordinal);
    if (id === undefined) continue;
    noted.set(ordinal, id);
    made.add(id);
  }
  return noted;
}

/** Creates people and security groups. */
export async function writeCreations(
  writing: Writing,
  changes: readonly TargetChange[],
): Promise<TargetOutcome[]> {
  const noted = await findNoted(writing, changes);
  const creations: Creation[] = [];
  for (const change of changes) {
    // oxlint-disable-next-line no-await-in-loop -- one nickname after the other
    if (!noted.has(change.ordinal)) creations.push(await prepare(writing, change));
  }
  const earlier = await findEarlierGroups(writing, creations);
  const open = creations.filter((creation) => !earlier.has(creation));
  const answers = await sendCreations(writing, open);
  const outcomes = new Map<number, TargetOutcome>();
  const made: { change: TargetChange; id: string }[] = [];
  const count = (change: TargetChange, id: string): void => {
    made.push({ change, id });
    outcomes.set(change.ordinal, succeeded(change, id));
  };
  const keep = (creation: Creation, id: string): void => {
    noteMade(writing, creation, id);
    count(creation.change, id);
  };
  for (const change of changes) {
    const id = noted.get(change.ordinal);
    if (id !== undefined) count(change, id);
  }
  for (const [creation, id] of earlier) keep(creation, id);
  for (const [index, creation] of open.entries()) {
    // oxlint-disable-next-line no-await-in-loop -- only conflicts ask anything
    const result = await settle(writing, creation, answers[index] as BatchAnswer);
    if (typeof result === 'string') keep(creation, result);
    else outcomes.set(creation.change.ordinal, result);
  }
  const misplaced = await placeInScopes(writing, made);
  for (const [ordinal, outcome] of misplaced) outcomes.set(ordinal, outcome);
  // The engine sets managers by changes of their own; this one is a constant of the mapping. Where it could not be set it
  // is missing from the copy, and the next run sets it.
  await writeManagers(
    writing,
    made.filter(({ change }) => !misplaced.has(change.ordinal)),
  );
  return changes.map(
    ({ ordinal }) => outcomes.get(ordinal) ?? refused(changes[0] as TargetChange, 'Internal', 'no answer'),
  );
}
