import {
  deleteEgressProvider,
  getEgressProvider,
  listEgressProviders,
  nameOfProvider,
  saveEgressProvider,
  type EgressProvider,
  type EgressProviderChange,
} from '../../../../app/egress-providers.ts';
import { findNamedObject } from '../../../../app/directory-lookup.ts';
import { listPropertyMappings } from '../../../../app/property-mappings.ts';
import { families, providerTypes, type DeleteAction, type Family } from '../families.ts';
import { list, readBody, required, text, uuid, type Body, type Fields } from '../fields.ts';
import { getNamed, unknownKey } from '../lookups.ts';
import { operation, serialIn, type Operation, type OperationCall } from '../operation.ts';
import {
  filterBoolean,
  filterText,
  filterUuid,
  isFound,
  ordered,
  renderPage,
  type Orderings,
} from '../pages.ts';
import {
  annotationName,
  deletionSettings,
  filterOfGroups,
  filterOfServiceAccounts,
  onMissingOf,
  optionsOf,
  previewsOnly,
  renderProvider,
} from '../provider-view.ts';
import { usedByProvider } from '../used-by.ts';
import { idOfUuid } from '../uuid.ts';

const commonFields = {
  name: required(text()),
  property_mappings: list(uuid),
  property_mappings_group: list(uuid),
};

function fieldsOf(family: Family): Fields {
  const named = Object.values({ ...family.settings, ...family.secrets });
  return {
    ...commonFields,
    ...Object.fromEntries(named.map(({ name, field }) => [name, field])),
    ...Object.fromEntries(Object.entries(family.options).map(([name, [field]]) => [name, field])),
  };
}

/** The provider that the address names. @throws AuthentikError 404. */
export async function providerIn(call: OperationCall, family: Family): Promise<EgressProvider> {
  const serial = serialIn(call, family.model);
  return getNamed(getEgressProvider(call.app, call.actor, family.connectionType, serial), family.model);
}

const orderings: Orderings<EgressProvider> = {
  pk: ({ connection }) => connection.serial,
  name: (provider) => nameOfProvider(provider).toLowerCase(),
};

function matchesFilters({ query }: OperationCall, family: Family, provider: EgressProvider): boolean {
  const shown = renderProvider(family, provider);
  for (const name of ['name', 'delegated_subject', 'url']) {
    const wanted = name in shown ? filterText(query, name) : undefined;
    if (wanted !== undefined && shown[name] !== wanted) return false;
  }
  const excluded = filterBoolean(query, 'exclude_users_service_account');
  if (excluded !== undefined && shown['exclude_users_service_account'] !== excluded) return false;
  const group = filterUuid(query, 'filter_group');
  if (group !== undefined && shown['filter_group'] !== group) return false;
  return isFound(query, [nameOfProvider(provider)]);
}

async function listProviders(call: OperationCall, family: Family): Promise<unknown> {
  const all = await listEgressProviders(call.app, call.actor, [family.connectionType]);
  const found = ordered(
    call.query,
    all.filter((provider) => matchesFilters(call, family, provider)),
    orderings,
    'name',
  );
  return renderPage(call.query, found.length, async ({ offset, limit }) =>
    found.slice(offset, offset + limit).map((provider) => renderProvider(family, provider)),
  );
}

/** Native ids of the property mappings that a body names. @throws AuthentikError 400 for one that there is not. */
async function mappingIds(
  call: OperationCall,
  family: Family,
  body: Body<typeof commonFields>,
): Promise<NonNullable<EgressProviderChange['mappings']>> {
  const { property_mappings: user, property_mappings_group: group } = body;
  if (user === undefined && group === undefined) return {};
  const known = new Set(
    (await listPropertyMappings(call.app, call.actor, family.connectionType)).map(({ id }) => id),
  );
  const checked = (field: string, uuids: readonly string[]): string[] =>
    uuids.map((one) => {
      const id = idOfUuid('pmap', one);
      if (!known.has(id)) throw unknownKey(field, one);
      return id;
    });
  return {
    ...(user && { user: checked('property_mappings', user) }),
    ...(group && { group: checked('property_mappings_group', group) }),
  };
}

/** The condition that the named groups and the exclusion of service accounts make; null for none. @throws AuthentikError 400 for a group that there is not. */
async function groupFilter(call: OperationCall, options: Record<string, unknown>): Promise<string | null> {
  const single = options['filter_group'];
  const groups = [
    ...(typeof single === 'string' ? [['filter_group', single] as const] : []),
    ...((options['group_filters'] ?? []) as string[]).map((group) => ['group_filters', group] as const),
  ];
  for (const [field, group] of groups) {
    const found = await findNamedObject(call.app, call.actor, 'group', idOfUuid('group', group));
    if (found === undefined) throw unknownKey(field, group);
  }
  const conditions = [
    ...(groups.length === 0 ? [] : [filterOfGroups(groups.map(([, group]) => group))]),
    ...(options['exclude_users_service_account'] === true ? [filterOfServiceAccounts()] : []),
  ];
  if (conditions.length < 2) return conditions[0] ?? null;
  return conditions.map((condition) => `(${condition})`).join(' && ');
}

function pick(
  body: Readonly<Record<string, unknown>>,
  members: Family['settings'],
): Record<string, unknown> | undefined {
  const given = Object.entries(members).filter(([, { name }]) => body[name] !== undefined);
  return given.length === 0
    ? undefined
    : Object.fromEntries(given.map(([setting, { name }]) => [setting, body[name]]));
}

/** Members that are settings, and settings that options stand for; undefined for none. */
function settingsIn(
  body: Readonly<Record<string, unknown>>,
  family: Family,
): Record<string, unknown> | undefined {
  const settings = { ...pick(body, family.settings), ...family.settingsOf?.(body) };
  return Object.keys(settings).length === 0 ? undefined : settings;
}

/** Empty secrets are none; a document is kept as its text. */
function secretsIn(body: Readonly<Record<string, unknown>>, family: Family): Record<string, string> {
  const entries = Object.entries(pick(body, family.secrets) ?? {});
  return Object.fromEntries(
    entries
      .filter(([, value]) => value !== '')
      .map(([name, value]) => [name, typeof value === 'string' ? value : JSON.stringify(value)]),
  );
}

async function saveProvider(
  call: OperationCall,
  family: Family,
  before: EgressProvider | undefined,
): Promise<unknown> {
  const partial = call.method === 'PATCH';
  const body = readBody(fieldsOf(family), call.body, partial) as Body<typeof commonFields> &
    Readonly<Record<string, unknown>>;
  const options = optionsOf(family, before);
  for (const name of Object.keys(options)) if (body[name] !== undefined) options[name] = body[name];
  const filtering = ['filter_group', 'group_filters', 'exclude_users_service_account'];
  const filters = filtering.some((name) => name in body) || before === undefined;
  const discovering = 'discovery_enabled' in body || before === undefined;
  const actions = 'user_delete_action' in body || 'group_delete_action' in body || before === undefined;
  const [user, group] = ['user_delete_action', 'group_delete_action'].map(
    (name) => (options[name] ?? 'delete') as DeleteAction,
  ) as [DeleteAction, DeleteAction];
  const previewOnly = options['dry_run'] === true;
  const previewedBefore = before && previewsOnly(before.connection);
  const of = { type: family.connectionType, types: providerTypes, serial: before?.connection.serial };
  const saved = await saveEgressProvider(call.app, call.actor, of, {
    displayName: body.name,
    settings: { ...settingsIn(body, family), ...(actions && deletionSettings(family, user, group)) },
    secrets: secretsIn(body, family),
    annotations: { [annotationName]: options },
    ...(actions && {
      onMissing: onMissingOf(family, user, group),
    }),
    ...(filters && { filter: await groupFilter(call, options) }),
    mappings: await mappingIds(call, family, body),
    previewOnly,
    discovers: discovering ? options['discovery_enabled'] !== false : undefined,
    runsByItself: previewOnly === previewedBefore ? undefined : !previewOnly,
    startedThrough: annotationName,
  });
  return renderProvider(family, saved);
}

const deviationsOf = ({ deletesByKind }: Family): readonly string[] => [
  'secrets are never in answers, and neither is the content of `credentials`',
  deletesByKind === true
    ? '`group_delete_action` `suspend` leaves groups alone: they cannot be suspended'
    : '`user_delete_action` and `group_delete_action`: a sync has one policy; where they differ the milder one holds',
  '`exclude_users_service_account` leaves out people whose `employeeType` is `service_account` or `internal_service_account`',
  'page sizes and timeouts are kept and not acted upon: how much is written at once is found out as it goes',
  '`discovery_enabled` false takes all match rules from the sync; what was linked stays linked',
  '`dry_run` makes every run a preview; previews are not shown as tasks',
  '`page_size` is 1,000 at most',
];

function operationsOf(family: Family): Operation[] {
  const deviations = deviationsOf(family);
  const name = `providers_${family.path}`;
  const at = `/providers/${family.path}/`;
  const one = `${at}{id}/`;
  const update = async (call: OperationCall): Promise<unknown> =>
    saveProvider(call, family, await providerIn(call, family));
  return [
    operation(`${name}_list`, `GET ${at}`, async (call) => listProviders(call, family), { deviations }),
    operation(`${name}_create`, `POST ${at}`, async (call) => saveProvider(call, family, undefined), {
      status: 201,
      deviations,
    }),
    operation(`${name}_retrieve`, `GET ${one}`, async (call) =>
      renderProvider(family, await providerIn(call, family)),
    ),
    operation(`${name}_update`, `PUT ${one}`, update, { deviations }),
    operation(`${name}_partial_update`, `PATCH ${one}`, update, { deviations }),
    operation(
      `${name}_destroy`,
      `DELETE ${one}`,
      async (call) => {
        const { connection } = await providerIn(call, family);
        await deleteEgressProvider(call.app, call.actor, family.connectionType, connection.serial);
      },
      { deviations: ['a connection that other syncs use stays; a running job is cancelled first'] },
    ),
    operation(
      `${name}_used_by_list`,
      `GET ${one}used_by/`,
      async (call) => usedByProvider(call, family, await providerIn(call, family)),
      { deviations: ['names 100 users and 100 groups at most'] },
    ),
  ];
}

export const providerOperations: readonly Operation[] = families.flatMap(operationsOf);
