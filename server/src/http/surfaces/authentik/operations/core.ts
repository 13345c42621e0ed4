import {
  listNumberedObjects,
  totalNumberedObjects,
  type NumberedSearch,
} from '../../../../app/directory-lookup.ts';
import { renderGroup, renderUser } from '../object-view.ts';
import { operation, type Operation, type OperationCall } from '../operation.ts';
import { filterBoolean, filterText, renderPage, searchWords } from '../pages.ts';

async function list(
  { app, actor, query }: OperationCall,
  kind: 'user' | 'group',
  search: NumberedSearch,
): Promise<unknown> {
  const total = await totalNumberedObjects(app, actor, kind, search);
  const render = kind === 'user' ? renderUser : renderGroup;
  return renderPage(query, total, async (span) =>
    (await listNumberedObjects(app, actor, kind, search, span)).map(render),
  );
}

const inOrder = 'in the order of their making whatever `ordering` says';

/** Users and groups as far as it takes to name them in other operations. */
export const coreOperations: readonly Operation[] = [
  operation(
    'core_users_list',
    'GET /core/users/',
    async (call) =>
      list(call, 'user', {
        name: filterText(call.query, 'username'),
        enabled: filterBoolean(call.query, 'is_active'),
        words: searchWords(call.query),
      }),
    {
      deviations: [
        `${inOrder}; filters are \`username\`, \`is_active\` and \`search\`; groups are not shown`,
      ],
    },
  ),
  operation(
    'core_groups_list',
    'GET /core/groups/',
    async (call) =>
      list(call, 'group', { name: filterText(call.query, 'name'), words: searchWords(call.query) }),
    { deviations: [`${inOrder}; filters are \`name\` and \`search\`; members are not shown`] },
  ),
];
