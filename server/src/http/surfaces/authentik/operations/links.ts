import {
  createEgressLink,
  deleteEgressLink,
  getEgressLink,
  listEgressLinks,
  totalEgressLinks,
  type EgressLink,
  type EgressLinkColumn,
} from '../../../../app/egress-links.ts';
import { getEgressProvider } from '../../../../app/egress-providers.ts';
import { findNamedObject } from '../../../../app/directory-lookup.ts';
import { getPerson } from '../../../../app/people.ts';
import { families, type Family } from '../families.ts';
import { readBody, required, serial, text, uuid, type Fields } from '../fields.ts';
import { getNamed, ifFound, unknownKey } from '../lookups.ts';
import { renderPartialGroup, renderPartialUser } from '../object-view.ts';
import { operation, uuidIn, type Operation, type OperationCall } from '../operation.ts';
import { filterNumber, filterText, filterUuid, orderOf, renderPage, searchWords } from '../pages.ts';
import { idOfUuid, objectOfLink, uuidOfId, uuidOfLink } from '../uuid.ts';

type Kind = 'user' | 'group';

function modelOf(family: Family, kind: Kind): string {
  return `${family.model}${kind === 'user' ? 'User' : 'Group'}`;
}

function render(family: Family, kind: Kind, link: EgressLink): object {
  const object = {
    id: link.objectId,
    serial: link.objectSerial,
    name: link.objectName,
    enabled: link.objectEnabled,
    attributes: link.objectAttributes,
  };
  return {
    id: uuidOfLink(link.syncSerial, link.objectId),
    [family.externalId]: link.externalId,
    ...(kind === 'user'
      ? { user: link.objectSerial, user_obj: renderPartialUser(object) }
      : { group: uuidOfId(link.objectId), group_obj: renderPartialGroup(object) }),
    provider: link.connectionSerial,
    attributes: link.targetRecord,
  };
}

async function list(call: OperationCall, family: Family, kind: Kind): Promise<unknown> {
  const { app, actor, query } = call;
  const group = kind === 'group' ? filterUuid(query, 'group__group_uuid') : undefined;
  const filter = {
    connectionSerial: filterNumber(query, 'provider__id'),
    objectSerial: kind === 'user' ? filterNumber(query, 'user__id') : undefined,
    objectId: group && idOfUuid('group', group),
    objectName: filterText(query, kind === 'user' ? 'user__username' : 'group__name'),
    words: searchWords(query),
  };
  const type = family.connectionType;
  const columns: Readonly<Record<string, EgressLinkColumn>> = {
    [family.externalId]: 'externalId',
    [kind]: 'object',
    [kind === 'user' ? 'user__username' : 'group__name']: 'objectName',
    provider: 'connection',
  };
  const order = orderOf(query, columns, 'objectName');
  const total = await totalEgressLinks(app, actor, type, kind, filter);
  return renderPage(query, total, async (span) =>
    (await listEgressLinks(app, actor, type, kind, filter, { ...span, order })).map((link) =>
      render(family, kind, link),
    ),
  );
}

/** The link that the address names. @throws AuthentikError 404. */
async function linkIn(call: OperationCall, family: Family, kind: Kind): Promise<EgressLink> {
  const model = modelOf(family, kind);
  const id = uuidIn(call, model, 'id');
  const objectOf = (syncSerial: number): string => objectOfLink(kind, id, syncSerial);
  return getNamed(getEgressLink(call.app, call.actor, family.connectionType, kind, objectOf), model);
}

async function userIn(call: OperationCall, serialNumber: number): Promise<string> {
  const person = await ifFound(getPerson(call.app, call.actor, serialNumber));
  if (person === undefined) throw unknownKey('user', serialNumber);
  return person.id;
}

async function groupIn(call: OperationCall, key: string): Promise<string> {
  const group = await findNamedObject(call.app, call.actor, 'group', idOfUuid('group', key));
  if (group === undefined) throw unknownKey('group', key);
  return group.id;
}

async function create(call: OperationCall, family: Family, kind: Kind): Promise<unknown> {
  const fields: Fields = {
    [family.externalId]: required(text()),
    [kind]: kind === 'user' ? required(serial) : required(uuid),
    provider: required(serial),
  };
  const body = readBody(fields, call.body);
  const { app, actor } = call;
  const provider = body['provider'] as number;
  const owner = await ifFound(getEgressProvider(app, actor, family.connectionType, provider));
  if (owner === undefined) throw unknownKey('provider', provider);
  const objectId =
    kind === 'user' ? await userIn(call, body[kind] as number) : await groupIn(call, body[kind] as string);
  const link = { kind, objectId, externalId: body[family.externalId] as string };
  const of = { type: family.connectionType, connectionSerial: provider };
  return render(family, kind, await createEgressLink(app, actor, of, link));
}

function operationsOf(family: Family, kind: Kind): Operation[] {
  const name = `providers_${family.path}_${kind}s`;
  const at = `/providers/${family.path}_${kind}s/`;
  const one = `${at}{id}/`;
  return [
    operation(`${name}_list`, `GET ${at}`, async (call) => list(call, family, kind), {
      deviations: [
        `\`ordering\` takes \`${family.externalId}\`, \`${kind}\` and \`provider\`; \`attributes\` are the record as it was last read, where Lockstep keeps a copy of the system, and what was written since`,
      ],
    }),
    operation(`${name}_create`, `POST ${at}`, async (call) => create(call, family, kind), {
      status: 201,
      deviations: ['links without looking at the connected system, which the next run does'],
    }),
    operation(`${name}_retrieve`, `GET ${one}`, async (call) =>
      render(family, kind, await linkIn(call, family, kind)),
    ),
    operation(
      `${name}_destroy`,
      `DELETE ${one}`,
      async (call) =>
        deleteEgressLink(call.app, call.actor, family.connectionType, await linkIn(call, family, kind)),
      { deviations: ['unlinks; the object in the connected system stays'] },
    ),
    operation(`${name}_used_by_list`, `GET ${one}used_by/`, async (call) => {
      await linkIn(call, family, kind);
      return [];
    }),
  ];
}

export const linkOperations: readonly Operation[] = families.flatMap((family) => [
  ...operationsOf(family, 'user'),
  ...operationsOf(family, 'group'),
]);
