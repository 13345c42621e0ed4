import { getConnectionCheck, startConnectionCheck } from '../../../../app/connection-checks.ts';
import { permitReport } from '../../../../app/downloads.ts';
import { getProvider } from '../../../../app/providers.ts';
import { LockstepError } from '../../../../kernel/errors.ts';
import { EiamError, resourceNotFound } from '../errors.ts';
import { instanceId, operation, resourceId, type Operation } from '../operation.ts';

const oneProvider = { InstanceId: instanceId, IdentityProviderId: resourceId } as const;
const ofProvider = {
  subject: 'IdentityProvider',
  resource: (parameters: { InstanceId: string; IdentityProviderId: string }): string =>
    `instance/${parameters.InstanceId}/identityprovider/${parameters.IdentityProviderId}`,
} as const;

const createCheck = operation({
  ...ofProvider,
  name: 'CreateIdentityProviderStatusCheckJob',
  level: 'create',
  role: 'operator',
  parameters: oneProvider,
  handler: async ({ app, actor, parameters }) => {
    const { connection } = await getProvider(app, actor, parameters.IdentityProviderId);
    return { IdentityProviderStatusCheckJobId: await startConnectionCheck(app, actor, connection.id) };
  },
});

const outcome = (ok: boolean): string => (ok ? 'success' : 'failed');

const getCheck = operation({
  ...ofProvider,
  name: 'GetIdentityProviderStatusCheckJob',
  level: 'get',
  parameters: {
    ...oneProvider,
    IdentityProviderStatusCheckJobId: { type: 'string', required: true, maxLength: 128 },
  },
  deviations: ['the minor check items are the steps of the connector, as dns, tcp, tls, bind and read'],
  handler: async ({ app, actor, parameters }) => {
    const { connection } = await getProvider(app, actor, parameters.IdentityProviderId);
    const id = parameters.IdentityProviderStatusCheckJobId;
    const check = await getConnectionCheck(app, actor, connection.id, id).catch((error: unknown) => {
      const unknown = error instanceof LockstepError && error.code === 'NotFound';
      throw unknown ? resourceNotFound('IdentityProviderStatusCheckJob') : error;
    });
    const running = check.status === 'running';
    return {
      IdentityProviderStatusCheckJob: {
        InstanceId: actor.tenantId,
        IdentityProviderId: connection.id,
        IdentityProviderStatusCheckJobId: check.id,
        Status: running ? 'running' : 'success',
        CheckResult: running ? undefined : check.status,
        StartTime: check.startedAt.getTime(),
        EndTime: check.endedAt?.getTime(),
        JobCheckItems: check.steps.map(({ step, ok, detail }) => ({
          MajorCheckItem: 'connection_check',
          MinorCheckItem: step,
          Result: outcome(ok),
          ErrorReason: ok
            ? undefined
            : { ErrorCode: `ConnectionCheck.${step}`, ErrorLevel: 'high', ErrorMessage: detail },
        })),
      },
    };
  },
});

const generateDownloadUrl = operation({
  name: 'GenerateDownloadUrlForSynchronizationJob',
  level: 'get',
  subject: 'SynchronizationJob',
  parameters: {
    InstanceId: instanceId,
    SynchronizationJobId: { type: 'string', required: true, maxLength: 64 },
  },
  resource: ({ InstanceId, SynchronizationJobId }) =>
    `instance/${InstanceId}/synchronizationjob/${SynchronizationJobId}`,
  deviations: ['the file lists every change of any job; the link is valid for ten minutes'],
  handler: async ({ app, actor, origin, parameters }) => {
    const token = await permitReport(app, actor, parameters.SynchronizationJobId);
    return { FileDownloadUrl: `${origin}/download/${token}/${parameters.SynchronizationJobId}.csv` };
  },
});

function advancedAbility(
  name: 'EnableIdentityProviderAdvancedAbility' | 'DisableIdentityProviderAdvancedAbility',
): Operation {
  return operation({
    ...ofProvider,
    name,
    level: 'update',
    parameters: oneProvider,
    deviations: [
      'always refused: only DingTalk has an advanced configuration, and there is no DingTalk here',
    ],
    handler: async ({ app, actor, parameters }) => {
      await getProvider(app, actor, parameters.IdentityProviderId);
      throw new EiamError(
        409,
        'OperationDenied.UnsupportedIdentityProviderType',
        'Identity providers of this type have no advanced configuration.',
      );
    },
  });
}

const getAdvanced = operation({
  ...ofProvider,
  name: 'GetIdentityProviderAdvancedConfiguration',
  level: 'get',
  parameters: oneProvider,
  handler: async ({ app, actor, parameters }) => {
    const { connection } = await getProvider(app, actor, parameters.IdentityProviderId);
    return { AdvancedConfiguration: { InstanceId: actor.tenantId, IdentityProviderId: connection.id } };
  },
});

export const supportOperations: readonly Operation[] = [
  createCheck,
  getCheck,
  generateDownloadUrl,
  advancedAbility('EnableIdentityProviderAdvancedAbility'),
  advancedAbility('DisableIdentityProviderAdvancedAbility'),
  getAdvanced,
];
