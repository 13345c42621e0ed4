import { listCustomFields } from '../../../../app/custom-fields.ts';
import {
  getFoundObject,
  getTenant,
  searchDirectory,
  searchGroupsOf,
  type DirectorySearch,
} from '../../../../app/directory-search.ts';
import { getDirectoryObject } from '../../../../app/directory.ts';
import { given, ownUnitId, shownUnitId } from '../directory-views.ts';
import { instanceId, operation, resourceId, type Operation } from '../operation.ts';
import { pageParameters, readTokenOrPage, renderToken, tokenParameters } from '../paging.ts';
import { connectionsOfSource, ownSourceType } from '../source-types.ts';
import { ids, text } from '../user-parameters.ts';
import { renderFields, renderUser } from '../user-view.ts';

/** Most groups and units that the answer of GetUser names. */
const mostShown = 1000;

const getUser = operation({
  name: 'GetUser',
  level: 'get',
  subject: 'User',
  parameters: { InstanceId: instanceId, UserId: resourceId },
  resource: ({ InstanceId, UserId }) => `instance/${InstanceId}/user/${UserId}`,
  handler: async ({ app, actor, parameters: { UserId } }) => {
    const found = await getFoundObject(app, actor, 'user', UserId);
    const tenant = await getTenant(app, actor);
    const { organizationalUnits } = await getDirectoryObject(app, actor, 'user', found.id);
    const unitIds = [...organizationalUnits, ...(found.parentId === null ? [] : [found.parentId])];
    const page = { limit: mostShown };
    const units = await searchDirectory(app, actor, 'organizationalUnit', { ids: unitIds }, page);
    const root = { id: tenant.rootId, name: tenant.name };
    const groups = await searchGroupsOf(app, actor, found.id, page);
    return {
      User: {
        ...renderUser(found, actor.tenantId),
        PreferredLanguage: found.attributes['preferredLanguage']?.[0],
        PrimaryOrganizationalUnitId: shownUnitId(tenant, found.parentId),
        OrganizationalUnits: (found.parentId === null ? [root, ...units.items] : units.items).map(
          ({ id, name }) => ({
            OrganizationalUnitId: id,
            OrganizationalUnitName: name,
            Primary: id === shownUnitId(tenant, found.parentId),
          }),
        ),
        Groups: groups.items.map(({ id, name, description }) => ({
          GroupId: id,
          GroupName: name,
          Description: description ?? undefined,
        })),
        CustomFields: renderFields(found.attributes, await listCustomFields(app, actor)),
      },
    };
  },
});

const listUsers = operation({
  name: 'ListUsers',
  level: 'list',
  subject: 'User',
  parameters: {
    InstanceId: instanceId,
    ...pageParameters,
    ...tokenParameters,
    OrganizationalUnitId: { type: 'string', maxLength: 64 },
    UserIds: ids,
    Status: { type: 'string', values: ['enabled', 'disabled'] },
    UsernameStartsWith: text(256),
    DisplayNameStartsWith: text(256),
    Email: text(256),
    PhoneNumber: text(64),
    PhoneRegion: text(64),
    UserExternalId: text(1024),
    UserSourceType: text(64),
    UserSourceId: text(64),
  },
  resource: ({ InstanceId }) => `instance/${InstanceId}/user/*`,
  deviations: [
    'UserSourceType of users from systems that the document does not name is the type of the connection, as scim or entra_id',
  ],
  handler: async ({ app, actor, parameters }) => {
    const tenant = await getTenant(app, actor);
    const unit = given(parameters.OrganizationalUnitId);
    const sourceType = given(parameters.UserSourceType);
    const sourceId = given(parameters.UserSourceId);
    const texts = Object.entries({
      mail: given(parameters.Email),
      phoneNumber: given(parameters.PhoneNumber),
      phoneRegion: given(parameters.PhoneRegion),
    }).filter((entry): entry is [string, string] => entry[1] !== undefined);
    const displayName = given(parameters.DisplayNameStartsWith);
    const ownOnly = sourceType === ownSourceType || sourceId === actor.tenantId;
    const search: DirectorySearch = {
      ids: parameters.UserIds,
      nameStartsWith: given(parameters.UsernameStartsWith),
      unitId: unit === undefined ? undefined : ownUnitId(tenant, unit),
      enabled: parameters.Status === undefined ? undefined : parameters.Status === 'enabled',
      texts: Object.fromEntries(texts),
      textPrefixes: displayName === undefined ? {} : { displayName },
      externalId: given(parameters.UserExternalId),
      made: ownOnly ? 'here' : undefined,
      originIds: ownOnly ? undefined : await connectionsOfSource(app, actor, sourceType, sourceId),
    };
    const { byToken, ...page } = readTokenOrPage(parameters, 'user');
    const { items, total } = await searchDirectory(app, actor, 'user', search, {
      ...page,
      limit: page.limit + 1,
    });
    const shown = items.slice(0, page.limit);
    const last = byToken && items.length > page.limit ? shown.at(-1) : undefined;
    return {
      Users: shown.map((user) => renderUser(user, actor.tenantId)),
      TotalCount: total,
      MaxResults: byToken ? page.limit : undefined,
      NextToken: last && renderToken('NT', last.id),
    };
  },
});

export const userReadingOperations: readonly Operation[] = [getUser, listUsers];
