import { getFoundObject } from '../../../../app/directory-search.ts';
import { updateUser } from '../../../../app/directory-writes/users.ts';
import { EiamError } from '../errors.ts';
import { type Operation, operation } from '../operation.ts';
import { aboutUser, noPasswords, oneUser } from '../user-parameters.ts';

function accountState(name: 'EnableUser' | 'DisableUser', enabled: boolean): Operation {
  return operation({
    ...aboutUser,
    name,
    level: 'update',
    parameters: oneUser,
    handler: async ({ app, actor, parameters }) => {
      await updateUser(app, actor, parameters.UserId, { enabled });
      return {};
    },
  });
}

const unlockUser = operation({
  ...aboutUser,
  name: 'UnlockUser',
  level: 'update',
  parameters: oneUser,
  deviations: [
    'nobody signs in here, so no account is ever locked: the user must exist, and nothing changes',
  ],
  handler: async ({ app, actor, parameters }) => {
    await getFoundObject(app, actor, 'user', parameters.UserId);
    return {};
  },
});

const updateUserPassword = operation({
  ...aboutUser,
  name: 'UpdateUserPassword',
  level: 'update',
  parameters: {
    ...oneUser,
    Password: { type: 'string', required: true, maxLength: 256 },
    PasswordForcedUpdateStatus: { type: 'string', values: ['enabled', 'disabled'] },
    UserNotificationChannels: { type: 'array', items: { type: 'string' } },
  },
  deviations: [
    'keeps no passwords: always answers OperationDenied.PasswordUnsupported for a user that exists',
  ],
  handler: async ({ app, actor, parameters }) => {
    await getFoundObject(app, actor, 'user', parameters.UserId);
    throw new EiamError(409, 'OperationDenied.PasswordUnsupported', noPasswords);
  },
});

export const userAccountOperations: readonly Operation[] = [
  accountState('EnableUser', true),
  accountState('DisableUser', false),
  unlockUser,
  updateUserPassword,
];
