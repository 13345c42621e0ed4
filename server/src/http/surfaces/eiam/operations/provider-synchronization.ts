import { getProvider, type Provider } from '../../../../app/providers.ts';
import { EiamError } from '../errors.ts';
import { instanceId, operation, resourceId, type Operation, type OperationCall } from '../operation.ts';
import { directionOf, readRecord, type ProviderRecord } from '../provider-model.ts';
import { pullFields, pushFields } from '../provider-parameters.ts';
import { showPullConfiguration, showPushConfiguration } from '../provider-view.ts';
import { rewriteProvider, switchProvider } from '../provider-writing.ts';

const one = { InstanceId: instanceId, IdentityProviderId: resourceId } as const;
const subject = 'IdentityProvider';
type One = OperationCall<{ readonly InstanceId: string; readonly IdentityProviderId: string }>;

function arn(parameters: { InstanceId: string; IdentityProviderId: string }): string {
  return `instance/${parameters.InstanceId}/identityprovider/${parameters.IdentityProviderId}`;
}

/** @throws EiamError for a provider of the other direction. */
async function getOfDirection(call: One, direction: 'ingress' | 'egress'): Promise<Provider> {
  const provider = await getProvider(call.app, call.actor, call.parameters.IdentityProviderId);
  if (directionOf(readRecord(provider).type) === direction) return provider;
  const side = direction === 'ingress' ? 'inbound' : 'outbound';
  throw new EiamError(
    400,
    'OperationDenied.UnsupportedIdentityProvider',
    `The identity provider has no ${side} synchronization.`,
  );
}

/** What is given, without what is not: absent parameters leave things as they are. */
function given<Members extends object>(members: Members): Partial<Members> {
  return Object.fromEntries(
    Object.entries(members).filter(([, value]) => value !== undefined),
  ) as Partial<Members>;
}

const getPull = operation({
  name: 'GetIdentityProviderUdPullConfiguration',
  level: 'get',
  subject,
  parameters: one,
  resource: arn,
  deviations: ['PeriodicSyncTimes is absent unless it is one hour: clients take a number there, and no list'],
  handler: async (call) => ({
    UdPullConfiguration: showPullConfiguration(await getOfDirection(call, 'ingress')),
  }),
});

const setPull = operation({
  name: 'SetIdentityProviderUdPullConfiguration',
  level: 'update',
  subject,
  parameters: {
    ...one,
    ...pullFields,
    IncrementalCallbackStatus: { ...pullFields.IncrementalCallbackStatus, required: true },
  },
  resource: arn,
  deviations: [
    'parameters that are not given leave things as they are',
    'GroupMemberAttributeName is member, uniqueMember or memberUid, and members are read from all three',
    'IncrementalCallbackStatus enabled compares everything every ten minutes, in place of the periodic times',
    'times are those of Asia/Shanghai',
  ],
  handler: async (call) => {
    const {
      InstanceId: _,
      IdentityProviderId: __,
      LdapUdPullConfig,
      PullProtectedRule,
      ...rest
    } = call.parameters;
    const provider = await getOfDirection(call, 'ingress');
    const before = readRecord(provider);
    const { pull } = before;
    const record: ProviderRecord = {
      ...before,
      pull: {
        ...pull,
        ...given(rest),
        LdapUdPullConfig: { ...pull.LdapUdPullConfig, ...LdapUdPullConfig },
        PullProtectedRule: PullProtectedRule && { ...pull.PullProtectedRule, ...PullProtectedRule },
        ...(PullProtectedRule === undefined ? { PullProtectedRule: pull.PullProtectedRule } : {}),
      },
    };
    await rewriteProvider(call.app, call.actor, provider, { record });
    return {};
  },
});

const getPush = operation({
  name: 'GetIdentityProviderUdPushConfiguration',
  level: 'get',
  subject,
  parameters: one,
  resource: arn,
  handler: async (call) => ({
    UdPushConfiguration: showPushConfiguration(await getOfDirection(call, 'egress')),
  }),
});

const setPush = operation({
  name: 'SetIdentityProviderUdPushConfiguration',
  level: 'update',
  subject,
  parameters: {
    ...one,
    ...pushFields,
    IncrementalCallbackStatus: { ...pushFields.IncrementalCallbackStatus, required: true },
  },
  resource: arn,
  deviations: [
    'parameters that are not given leave things as they are',
    'a source scope that lies in another one of the same target scope is part of it; of different target scopes it is refused',
    'units or groups of one name that meet right below a target scope: the first has the name, the others fail',
    'PasswordSyncStatus: passwords are written that came by CreateUser and UpdateUserPassword at most ten minutes before the run',
    'times are those of Asia/Shanghai',
  ],
  handler: async (call) => {
    const { InstanceId: _, IdentityProviderId: __, LdapUdPushConfig, ...rest } = call.parameters;
    const provider = await getOfDirection(call, 'egress');
    const before = readRecord(provider);
    const { push } = before;
    const record: ProviderRecord = {
      ...before,
      push: {
        ...push,
        ...given(rest),
        LdapUdPushConfig: { ...push.LdapUdPushConfig, ...LdapUdPushConfig },
      },
    };
    await rewriteProvider(call.app, call.actor, provider, { record });
    return {};
  },
});

function switchPull(name: string, enabled: boolean): Operation {
  return operation({
    name,
    level: 'update',
    subject,
    parameters: one,
    resource: arn,
    handler: async (call) => {
      const provider = await getOfDirection(call, 'ingress');
      await switchProvider(call.app, call.actor, provider, enabled);
      return {};
    },
  });
}

export const providerSynchronizationOperations: readonly Operation[] = [
  getPull,
  setPull,
  getPush,
  setPush,
  switchPull('EnableIdentityProviderUdPull', true),
  switchPull('DisableIdentityProviderUdPull', false),
];
