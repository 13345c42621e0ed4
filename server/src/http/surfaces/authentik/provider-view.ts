import type { OnMissing } from '@lockstep/contract/vocabulary.ts';
import { isDiscovering, nameOfProvider, type EgressProvider } from '../../../app/egress-providers.ts';
import { renderNames, type DeleteAction, type Family } from './families.ts';
import { idOfUuid, uuidOfId } from './uuid.ts';

/** The annotations' name for this API. */
export const annotationName = 'authentik';

const policies: Readonly<Record<DeleteAction, OnMissing>> = {
  do_nothing: 'ignore',
  suspend: 'disable',
  delete: 'delete',
};
const mildestFirst: readonly DeleteAction[] = ['do_nothing', 'suspend', 'delete'];

/**
 * A sync has one policy for all that is missing. Where the actions of users and groups differ, the milder one counts, so
 * that nothing is taken away that shall stay; the stronger one where the connection keeps the two apart.
 */
export function onMissingOf(family: Family, user: DeleteAction, group: DeleteAction): OnMissing {
  const order = family.deletesByKind === true ? mildestFirst.toReversed() : mildestFirst;
  return policies[order.find((action) => action === user || action === group) ?? 'do_nothing'];
}

/** What a connection is told of the two actions, where it can keep them apart. */
export function deletionSettings(family: Family, user: DeleteAction, group: DeleteAction) {
  if (family.deletesByKind !== true) return {};
  return { deletion: { user, group: group === 'delete' ? 'delete' : 'do_nothing' } };
}

/** Users of a group with this UUID, and all groups. */
export function filterOfGroups(uuids: readonly string[]): string {
  const member = uuids.map((uuid) => `${JSON.stringify(idOfUuid('group', uuid))} in source["$groups"]`);
  return `source["$kind"][0] != "user" || ${member.join(' || ')}`;
}

/** What people have as `employeeType` who are no people. */
const serviceAccounts = ['service_account', 'internal_service_account'];

/** Everybody but service accounts, and all groups. */
export function filterOfServiceAccounts(): string {
  const one = serviceAccounts.map((type) => `"${type}" in source["employeeType"]`);
  return `source["$kind"][0] != "user" || !(${one.join(' || ')})`;
}

/** Whether a provider was told to preview only; then nothing that this API starts writes. */
export function previewsOnly(connection: {
  readonly annotations: EgressProvider['connection']['annotations'];
}): boolean {
  return connection.annotations[annotationName]?.['dry_run'] === true;
}

/** What is kept of a provider's members beside its connection, with defaults. */
export function optionsOf(family: Family, provider?: EgressProvider): Record<string, unknown> {
  const kept = provider?.connection.annotations[annotationName] ?? {};
  const entries = Object.entries(family.options);
  return Object.fromEntries(entries.map(([name, [, byDefault]]) => [name, kept[name] ?? byDefault]));
}

/** The kept actions, unless the sync's policy was changed since from elsewhere. */
function actionsOf(
  family: Family,
  options: Record<string, unknown>,
  provider: EgressProvider,
): Record<string, unknown> {
  if (options['user_delete_action'] === undefined) return {};
  const { onMissing } = provider.sync.settings;
  const [user, group] = [options['user_delete_action'], options['group_delete_action']] as DeleteAction[];
  if (user !== undefined && group !== undefined && onMissingOf(family, user, group) === onMissing) return {};
  const action = mildestFirst.find((one) => policies[one] === onMissing);
  return { user_delete_action: action, group_delete_action: action };
}

function mappingsOf(provider: EgressProvider, kind: 'user' | 'group'): string[] {
  return provider.mappings.filter((mapping) => mapping.kind === kind).map(({ id }) => uuidOfId(id));
}

/** A provider as lists and details show it: what either version of the API has. Secrets are left out. */
export function renderProvider(family: Family, provider: EgressProvider): Record<string, unknown> {
  const { connection } = provider;
  const options = optionsOf(family, provider);
  const settings = Object.entries(family.settings).map(([setting, { name }]) => [
    name,
    connection.settings[setting],
  ]);
  return {
    pk: connection.serial,
    name: nameOfProvider(provider),
    property_mappings: mappingsOf(provider, 'user'),
    property_mappings_group: mappingsOf(provider, 'group'),
    assigned_backchannel_application_slug: '',
    assigned_backchannel_application_name: '',
    ...renderNames(family),
    ...Object.fromEntries(settings),
    ...family.shownInstead,
    ...options,
    discovery_enabled: isDiscovering(provider.sync.settings),
    ...actionsOf(family, options, provider),
  };
}
