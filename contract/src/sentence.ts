import type { JsonAttributeMap } from './attribute.ts';
import type { Kind, Result, Verb } from './vocabulary.ts';

/** What the sentence of a change is made of. */
export interface SentenceChange {
  readonly kind: Kind;
  /** null: compared and equal. */
  readonly verb: Verb | null;
  /** For a membership `GROUP < MEMBER`. */
  readonly label: string;
  readonly memberKind?: 'user' | 'group' | null | undefined;
  readonly before?: JsonAttributeMap | null | undefined;
  readonly after?: JsonAttributeMap | null | undefined;
  readonly result?: Result | undefined;
  readonly error?: { readonly code: string; readonly message: string } | null | undefined;
}

const kindWords: Readonly<Record<Kind, string>> = {
  user: 'user',
  organizationalUnit: 'organizational unit',
  group: 'group',
  membership: 'membership',
};

/** More attributes than this are counted instead of named. */
const namedAttributes = 5;

function quote(text: string): string {
  return JSON.stringify(text);
}

function pseudo(image: JsonAttributeMap | null | undefined, name: string): string | undefined {
  const value = image?.[name]?.[0];
  return typeof value === 'string' ? value : undefined;
}

/** Names of the attributes that differ between the images, in the order of the alphabet. */
export function changedAttributes(
  before: JsonAttributeMap | null | undefined,
  after: JsonAttributeMap | null | undefined,
): string[] {
  const names = new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})]);
  return [...names]
    .filter((name) => !name.startsWith('$'))
    .filter((name) => JSON.stringify(before?.[name] ?? []) !== JSON.stringify(after?.[name] ?? []))
    .sort();
}

/** Whether an attribute of an object that stays loses all its values. */
function isEmptied({ before, after }: SentenceChange, name: string): boolean {
  return (before?.[name]?.length ?? 0) > 0 && (after?.[name]?.length ?? 0) === 0;
}

function attributeList(change: SentenceChange): string {
  const password = pseudo(change.after, '$password') === undefined ? [] : ['password'];
  const changed = changedAttributes(change.before, change.after).map((name) =>
    isEmptied(change, name) ? `${name} (emptied)` : name,
  );
  const names = [...changed, ...password];
  if (names.length <= namedAttributes) return names.join(', ');
  return `${names.slice(0, namedAttributes - 1).join(', ')} and ${names.length - namedAttributes + 1} more`;
}

function withAttributes(text: string, change: SentenceChange, joint: string): string {
  const list = attributeList(change);
  return list === '' ? text : `${text}${joint}${list}`;
}

function membershipSentence(change: SentenceChange, verb: Verb | null): string {
  const cut = change.label.indexOf(' < ');
  const group = cut < 0 ? change.label : change.label.slice(0, cut);
  const member = cut < 0 ? '' : change.label.slice(cut + 3);
  const who = `${change.memberKind ?? 'member'} ${quote(member)}`;
  if (verb === null) return `${who} stays in group ${quote(group)}`;
  if (verb === 'removeMember' || verb === 'delete') return `remove ${who} from group ${quote(group)}`;
  return `add ${who} to group ${quote(group)}`;
}

/** A label is what an object is called after its change; who is renamed goes by the name it had. */
function moveSentence(change: SentenceChange): string {
  const from = pseudo(change.before, '$parent');
  const to = pseudo(change.after, '$parent');
  const oldName = pseudo(change.before, '$name');
  const name = pseudo(change.after, '$name');
  const renamed = name !== undefined && name !== oldName;
  const who = `${kindWords[change.kind]} ${quote(renamed ? (oldName ?? change.label) : change.label)}`;
  if (to === undefined || from === to) {
    return withAttributes(renamed ? `rename ${who} to ${quote(name)}` : `move ${who}`, change, ' and set ');
  }
  const start = from === undefined ? '' : ` from ${from}`;
  return withAttributes(
    `move ${who}${start} to ${to}${renamed ? ` as ${quote(name)}` : ''}`,
    change,
    ' and set ',
  );
}

function objectSentence(change: SentenceChange, verb: Verb | null): string {
  const who = `${kindWords[change.kind]} ${quote(change.label)}`;
  const parent = pseudo(change.after, '$parent') ?? pseudo(change.before, '$parent');
  switch (verb) {
    case null:
      return `${who} is the same`;
    case 'create':
      return parent === undefined ? `create ${who}` : `create ${who} in ${parent}`;
    case 'update':
      return withAttributes(`update ${who}`, change, ': ');
    case 'move':
      return moveSentence(change);
    case 'bind':
      return withAttributes(`bind ${who}`, change, ' and set ');
    case 'unbind':
      return `unbind ${who}`;
    case 'disable':
    case 'enable':
      return withAttributes(`${verb} ${who}`, change, ' and set ');
    case 'delete':
      return parent === undefined ? `delete ${who}` : `delete ${who} from ${parent}`;
    case 'addMember':
    case 'removeMember':
      return membershipSentence(change, verb);
  }
  return verb satisfies never;
}

/**
 * The one sentence of a change, in the imperative, as API, CLI and console show it:
 * `move user "jdoe" from /Sales to /Support`, with the reason appended when it failed or was skipped.
 */
export function renderSentence(change: SentenceChange): string {
  const sentence =
    change.kind === 'membership'
      ? membershipSentence(change, change.verb)
      : objectSentence(change, change.verb);
  if (change.result !== 'failed' && change.result !== 'skipped') return sentence;
  // A plan is what a dry run is for: that it was not carried out goes without saying.
  if (change.error?.code === 'DryRun') return sentence;
  const reason = change.error ? `: ${change.error.message} (${change.error.code})` : '';
  return `${sentence}; ${change.result}${reason}`;
}
