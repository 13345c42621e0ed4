import type { ActionsConfiguration } from '@lockstep/contract/configuration.ts';
import type { Kind } from '@lockstep/contract/vocabulary.ts';

export const scimAction = (name: string): string => `urn:alibaba:idaas:app:scim:User:${name}`;
export const scimActions = ['CREATE', 'UPDATE', 'DELETE'].map(scimAction);

/** What ProvisioningActions let be done with the accounts of an application; without them everything. */
export function actionsOfScim(given: readonly string[] | undefined): ActionsConfiguration | undefined {
  if (given === undefined) return undefined;
  const has = (name: string): boolean => given.includes(scimAction(name));
  return {
    user: [
      ...(has('CREATE') ? (['create'] as const) : []),
      ...(has('UPDATE') ? (['update', 'move', 'disable', 'enable'] as const) : []),
      ...(has('DELETE') ? (['delete'] as const) : []),
    ],
  };
}

const eventPrefix = 'urn:alibaba:idaas:app:event:ud:';

/** Events by which an application is told of an action. */
const userEvents = {
  create: 'user:create',
  update: 'user:update_info',
  move: 'user:update_primary_ou',
  disable: 'user:disable',
  enable: 'user:enable',
  delete: 'user:delete',
} as const;
const unitEvents = {
  create: 'organizational_unit:create',
  update: 'organizational_unit:update',
  move: 'organizational_unit:update_parent_organizational_unit',
  delete: 'organizational_unit:delete',
} as const;
const groupEvents = {
  create: 'group:create',
  update: 'group:update',
  move: 'group:update',
  delete: 'group:delete',
} as const;
const memberEvents = { addMember: 'group:add_user', removeMember: 'group:remove_user' } as const;

/**
 * What ListenEventScopes let an application be told of, and which kinds it knows at all: of what it does not hear of
 * when it is made it hears nothing. Without them everything.
 */
export function actionsOfEvents(given: readonly string[] | undefined): {
  readonly kinds?: readonly Kind[];
  readonly actions?: ActionsConfiguration;
} {
  if (given === undefined) return {};
  const heard = new Set(given.map((scope) => scope.replace(eventPrefix, '')));
  const of = <Action extends string>(events: Readonly<Record<Action, string>>): Action[] =>
    (Object.keys(events) as Action[]).filter((action) => heard.has(events[action]));
  const membership = of(memberEvents);
  const actions = {
    user: of(userEvents),
    organizationalUnit: of(unitEvents),
    group: of(groupEvents),
    membership,
  };
  const kinds = (['organizationalUnit', 'user', 'group'] as const).filter((kind) =>
    actions[kind].some((action) => action === 'create'),
  );
  const hasMembers = membership.length > 0 && kinds.includes('group');
  return { kinds: [...kinds, ...(hasMembers ? (['membership'] as const) : [])], actions };
}
