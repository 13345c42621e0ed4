import {
  deletePropertyMapping,
  getPropertyMapping,
  listPropertyMappings,
  savePropertyMapping,
  tryPropertyMapping,
  type PropertyMapping,
} from '../../../../app/property-mappings.ts';
import { findNamedObject, type NamedObject } from '../../../../app/directory-lookup.ts';
import { getPerson } from '../../../../app/people.ts';
import { LockstepError } from '../../../../kernel/errors.ts';
import { invalid, notFound } from '../errors.ts';
import { ifFound, unknownKey } from '../lookups.ts';
import { families, renderNames, type Family } from '../families.ts';
import { code, json, nullable, readBody, required, serial, text, uuid } from '../fields.ts';
import { operation, uuidIn, type Operation, type OperationCall } from '../operation.ts';
import {
  filterBoolean,
  filterText,
  filterUuid,
  isFound,
  ordered,
  renderPage,
  type Orderings,
} from '../pages.ts';
import { usedByMapping } from '../used-by.ts';
import { idOfUuid, uuidOfId } from '../uuid.ts';

function render(mapping: PropertyMapping): object {
  const family = families.find(({ connectionType }) => connectionType === mapping.connectionType);
  return {
    pk: uuidOfId(mapping.id),
    managed: mapping.managed,
    name: mapping.name,
    expression: mapping.expression,
    ...(family && renderNames(family.mapping)),
  };
}

const orderings: Orderings<PropertyMapping> = {
  name: ({ name }) => name.toLowerCase(),
  managed: ({ managed }) => managed,
  pm_uuid: ({ id }) => uuidOfId(id),
  expression: ({ expression }) => expression,
};

function matches({ query }: OperationCall, mapping: PropertyMapping): boolean {
  const managed = (query['managed'] ?? []).filter((value) => value !== '');
  const unmanaged = filterBoolean(query, 'managed__isnull');
  const name = filterText(query, 'name');
  const expression = filterText(query, 'expression');
  const pk = filterUuid(query, 'pm_uuid');
  return (
    (managed.length === 0 || managed.includes(mapping.managed ?? '')) &&
    (unmanaged === undefined || unmanaged === (mapping.managed === null)) &&
    (name === undefined || name === mapping.name) &&
    (expression === undefined || expression === mapping.expression) &&
    (pk === undefined || pk === uuidOfId(mapping.id)) &&
    isFound(query, [mapping.name])
  );
}

async function list(call: OperationCall, family?: Family): Promise<unknown> {
  const all = await listPropertyMappings(call.app, call.actor, family?.connectionType);
  const found = ordered(
    call.query,
    all.filter((mapping) => matches(call, mapping)),
    orderings,
    'name',
  );
  return renderPage(call.query, found.length, async ({ offset, limit }) =>
    found.slice(offset, offset + limit).map(render),
  );
}

/** The mapping that the address names, of one family or of any. @throws AuthentikError 404. */
async function mappingIn(call: OperationCall, family?: Family): Promise<PropertyMapping> {
  const model = family?.mapping.model ?? 'PropertyMapping';
  const id = idOfUuid('pmap', uuidIn(call, model, 'pm_uuid'));
  const found = await ifFound(getPropertyMapping(call.app, call.actor, id));
  if (found === undefined || (family && family.connectionType !== found.connectionType))
    throw notFound(model);
  return found;
}

/** Expressions of the vendor are Python; these are not, and nobody shall wonder why theirs is refused. */
function expressionError(error: LockstepError): Error {
  const advice = error.remedy === undefined ? '' : ` ${error.remedy}`;
  return invalid({
    expression: [`Expressions are CEL here, Python is not evaluated. ${error.message}.${advice}`],
  });
}

async function save(
  call: OperationCall,
  family: Family,
  before: PropertyMapping | undefined,
): Promise<unknown> {
  const fields = {
    managed: nullable(text()),
    name: required(text()),
    expression: required(code),
  };
  const body = readBody(fields, call.body, call.method === 'PATCH');
  const content = {
    name: body.name ?? before?.name ?? '',
    expression: body.expression ?? before?.expression ?? '',
    managed: body.managed === undefined ? (before?.managed ?? null) : body.managed,
  };
  const of = before === undefined ? { connectionType: family.connectionType } : { id: before.id };
  const saved = await savePropertyMapping(call.app, call.actor, of, content).catch((error: unknown) => {
    throw error instanceof LockstepError && error.code === 'InvalidExpression'
      ? expressionError(error)
      : error;
  });
  return render(saved);
}

/** What a mapping is tried with: a user, a group, or nothing. */
async function objectIn(
  call: OperationCall,
  user: number | null | undefined,
  group: string | null | undefined,
): Promise<NamedObject | undefined> {
  if (user !== null && user !== undefined) {
    const person = await ifFound(getPerson(call.app, call.actor, user));
    const found = person && (await findNamedObject(call.app, call.actor, 'user', person.id));
    if (found === undefined) throw unknownKey('user', user);
    return found;
  }
  if (group !== null && group !== undefined) {
    const found = await findNamedObject(call.app, call.actor, 'group', idOfUuid('group', group));
    if (found === undefined) throw unknownKey('group', group);
    return found;
  }
  return undefined;
}

async function tryOut(call: OperationCall): Promise<unknown> {
  const mapping = await mappingIn(call);
  const fields = { user: nullable(serial), group: nullable(uuid), context: json };
  const body = readBody(fields, call.body);
  const object = await objectIn(call, body.user, body.group);
  try {
    const result = tryPropertyMapping(mapping, object?.attributes ?? {});
    const spaces = filterBoolean(call.query, 'format_result') === true ? 4 : undefined;
    return { result: JSON.stringify(result, undefined, spaces), successful: true };
  } catch (error) {
    if (!(error instanceof LockstepError)) throw error;
    return { result: error.message, successful: false };
  }
}

async function remove(call: OperationCall, family?: Family): Promise<void> {
  const { id } = await mappingIn(call, family);
  await deletePropertyMapping(call.app, call.actor, id);
}

const cel = 'expressions are CEL: a map of target attributes to expressions over `source`; Python is refused';

function operationsOf(family: Family): Operation[] {
  const name = `propertymappings_provider_${family.path}`;
  const at = `/propertymappings/${family.mapping.path}/`;
  const one = `${at}{pm_uuid}/`;
  const update = async (call: OperationCall): Promise<unknown> =>
    save(call, family, await mappingIn(call, family));
  const deviations = [cel];
  return [
    operation(`${name}_list`, `GET ${at}`, async (call) => list(call, family)),
    operation(`${name}_create`, `POST ${at}`, async (call) => save(call, family, undefined), {
      status: 201,
      deviations,
    }),
    operation(`${name}_retrieve`, `GET ${one}`, async (call) => render(await mappingIn(call, family))),
    operation(`${name}_update`, `PUT ${one}`, update, { deviations }),
    operation(`${name}_partial_update`, `PATCH ${one}`, update, { deviations }),
    operation(`${name}_destroy`, `DELETE ${one}`, async (call) => remove(call, family)),
    operation(`${name}_used_by_list`, `GET ${one}used_by/`, async (call) =>
      usedByMapping(call, (await mappingIn(call, family)).id),
    ),
  ];
}

const all = '/propertymappings/all/';

export const mappingOperations: readonly Operation[] = [
  ...families.flatMap(operationsOf),
  operation('propertymappings_all_list', `GET ${all}`, async (call) => list(call)),
  operation('propertymappings_all_types_list', `GET ${all}types/`, async () =>
    families.map(({ mapping }) => ({
      name: mapping.verboseName,
      description: '',
      component: mapping.component,
      model_name: mapping.model.toLowerCase(),
      requires_enterprise: false,
    })),
  ),
  operation('propertymappings_all_retrieve', `GET ${all}{pm_uuid}/`, async (call) =>
    render(await mappingIn(call)),
  ),
  operation('propertymappings_all_destroy', `DELETE ${all}{pm_uuid}/`, async (call) => remove(call)),
  operation('propertymappings_all_used_by_list', `GET ${all}{pm_uuid}/used_by/`, async (call) =>
    usedByMapping(call, (await mappingIn(call)).id),
  ),
  operation('propertymappings_all_test_create', `POST ${all}{pm_uuid}/test/`, tryOut, {
    status: 200,
    reads: true,
    deviations: [
      cel,
      '`context` is not read',
      'the result is a JSON document of target attributes and values',
    ],
  }),
];
