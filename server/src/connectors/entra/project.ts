import type { AttributeValue, Attributes } from '../../directory/attributes.ts';
import { LockstepError } from '../../kernel/errors.ts';
import type { ExternalObject, Projected } from '../../sync/connector.ts';
import { matchOnly } from './match-attributes.ts';
import { cleanNickname, localPart } from './nickname.ts';
import { principalName, type TenantDomains } from './principal-name.ts';
import { fitValues } from './properties.ts';
import type { EntraKind } from './select.ts';

type Draft = Record<string, readonly AttributeValue[]>;

function first(attributes: Attributes, name: string): string | undefined {
  const value = attributes[name]?.[0];
  return typeof value === 'string' && value.trim() !== '' ? value.trim() : undefined;
}

function fitted(kind: EntraKind, attributes: Attributes): Draft {
  const draft: Draft = {};
  for (const [name, values] of Object.entries(attributes)) {
    const fit = matchOnly.includes(name) ? [] : fitValues(kind, name, values);
    if (fit.length > 0) draft[name] = fit;
  }
  return draft;
}

/** As the tenant spells it, where only letter case differs. */
function spelledAs(value: string, existing: ExternalObject | null, name: string): string {
  const there = existing === null ? undefined : first(existing.attributes, name);
  return there !== undefined && there.toLowerCase() === value.toLowerCase() ? there : value;
}

function missing(name: string, remedy: string): LockstepError {
  return new LockstepError('RequiredValueMissing', `no value for ${name}, which Entra ID demands`, {
    field: name,
    remedy,
  });
}

/** The wanted nickname; what has one keeps it, since it may be part of mail addresses. */
function nickname(wanted: string | undefined, existing: ExternalObject | null): string | undefined {
  const there = existing === null ? undefined : first(existing.attributes, 'mailNickname');
  return there ?? (wanted === undefined ? undefined : cleanNickname(wanted));
}

/** Attributes that serve matching only stay as they are: nothing writes them. */
function keepMatchAttributes(draft: Draft, existing: ExternalObject | null): void {
  for (const name of matchOnly) {
    const there = existing?.attributes[name];
    if (there !== undefined) draft[name] = there;
  }
}

/**
 * Fits the attributes of a person or group to what Entra ID demands and can hold: docs/connectors/entra.md. The domains
 * of the tenant must be known.
 * @throws LockstepError RequiredValueMissing
 */
export function projectObject(
  kind: EntraKind,
  attributes: Attributes,
  existing: ExternalObject | null,
  domains: TenantDomains,
): Projected {
  const draft = fitted(kind, attributes);
  return kind === 'user'
    ? projectUser(draft, attributes, existing, domains)
    : projectGroup(draft, attributes, existing);
}

function projectUser(
  draft: Draft,
  attributes: Attributes,
  existing: ExternalObject | null,
  domains: TenantDomains,
): Projected {
  const managesName = 'userPrincipalName' in attributes || existing === null;
  const username = first(attributes, 'mailNickname');
  const made = principalName(first(attributes, 'userPrincipalName'), username, domains);
  const principal =
    managesName && made !== undefined ? made : first(existing?.attributes ?? {}, 'userPrincipalName');
  if (principal === undefined)
    throw missing(
      'userPrincipalName',
      'Give the person a mail address or a user name, or map another attribute to it.',
    );
  const name = spelledAs(principal, existing, 'userPrincipalName');
  draft['userPrincipalName'] = [name];
  const displayName = first(draft, 'displayName') ?? fallbackName(draft) ?? localPart(name);
  if (existing === null || 'displayName' in attributes) draft['displayName'] = [displayName];
  // One that is there and not mapped may be somebody else's to write.
  const surname = first(existing?.attributes ?? {}, 'surname') ?? lastWord(displayName);
  draft['surname'] ??= [surname];
  const short = nickname(username ?? name, existing);
  if (short !== undefined && (existing === null || 'mailNickname' in attributes))
    draft['mailNickname'] = [short];
  keepMatchAttributes(draft, existing);
  return { name, attributes: draft };
}

function fallbackName(draft: Draft): string | undefined {
  const parts = [first(draft, 'givenName'), first(draft, 'surname')].filter((part) => part !== undefined);
  return parts.length === 0 ? undefined : parts.join(' ');
}

function lastWord(words: string): string {
  return (words.trim().split(/\s+/).at(-1) ?? words).slice(0, 64);
}

/** Of a name without any letter that a nickname can have. */
const namelessGroup = 'group';

function projectGroup(draft: Draft, attributes: Attributes, existing: ExternalObject | null): Projected {
  const name = first(draft, 'displayName') ?? first(existing?.attributes ?? {}, 'displayName');
  if (name === undefined)
    throw missing('displayName', 'Give the group a name, or map another attribute to it.');
  draft['displayName'] = [name];
  const short = nickname(first(attributes, 'mailNickname') ?? name, existing) ?? namelessGroup;
  if (existing === null || 'mailNickname' in attributes) draft['mailNickname'] = [short];
  return { name, attributes: draft };
}
