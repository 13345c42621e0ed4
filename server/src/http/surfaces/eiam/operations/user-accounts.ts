import { getFoundObject } from '../../../../app/directory-search.ts';
import { updateUser } from '../../../../app/directory-writes/users.ts';
import { setUserPassword } from '../../../../app/pending-passwords.ts';
import { type Operation, operation } from '../operation.ts';
import { aboutUser, oneUser, passwordDeviation } from '../user-parameters.ts';

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
    Password: { type: 'string', required: true, minLength: 1, maxLength: 256 },
    PasswordForcedUpdateStatus: { type: 'string', values: ['enabled', 'disabled'] },
    UserNotificationChannels: { type: 'array', items: { type: 'string' } },
  },
  deviations: [
    passwordDeviation,
    'PasswordForcedUpdateStatus and UserNotificationChannels are taken and have no effect: nobody signs in here, and nobody is notified',
  ],
  handler: async ({ app, actor, parameters }) => {
    await setUserPassword(app, actor, parameters.UserId, parameters.Password);
    return {};
  },
});

export const userAccountOperations: readonly Operation[] = [
  accountState('EnableUser', true),
  accountState('DisableUser', false),
  unlockUser,
  updateUserPassword,
];
