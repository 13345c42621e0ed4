import { getFoundObject } from '../../../../app/directory-search.ts';
import { getProvider } from '../../../../app/providers.ts';
import { bindUser, listUserLinks, unbindUser } from '../../../../app/user-links.ts';
import { LockstepError } from '../../../../kernel/errors.ts';
import { given } from '../directory-views.ts';
import { invalidParameter, resourceNotFound } from '../errors.ts';
import { instanceId, operation, resourceId, type Operation, type OperationCall } from '../operation.ts';
import { parseToken, renderToken, tokenParameters } from '../paging.ts';

const defaultLimit = 20;
const externalId = { type: 'string', required: true, maxLength: 1024 } as const;
const mapping = {
  InstanceId: instanceId,
  UserId: resourceId,
  IdentityProviderId: resourceId,
  UserExternalId: externalId,
} as const;
interface Mapping {
  readonly UserId: string;
  readonly IdentityProviderId: string;
  readonly UserExternalId: string;
}

const about = {
  subject: 'UserAuthnSourceMapping',
  level: 'update',
  role: 'operator',
  resource: ({ InstanceId, UserId }: { InstanceId: string; UserId: string }): string =>
    `instance/${InstanceId}/user/${UserId}`,
} as const;

async function existing<T>(subject: string, work: Promise<T>): Promise<void> {
  try {
    await work;
  } catch (error) {
    throw error instanceof LockstepError && error.code === 'NotFound' ? resourceNotFound(subject) : error;
  }
}

/** Says which of the two ends is not there. */
async function requireEnds({ app, actor, parameters }: OperationCall<Mapping>): Promise<void> {
  await existing('User', getFoundObject(app, actor, 'user', parameters.UserId));
  await existing('IdentityProvider', getProvider(app, actor, parameters.IdentityProviderId));
}

function addressOf({ UserId, IdentityProviderId, UserExternalId }: Mapping) {
  return { userId: UserId, connectionId: IdentityProviderId, externalId: UserExternalId };
}

const bind = operation({
  ...about,
  name: 'BindUserAuthnSourceMapping',
  parameters: mapping,
  deviations: ['binds the user to the record of this id in the identity provider, for its next run as well'],
  handler: async (call) => {
    await requireEnds(call);
    await bindUser(call.app, call.actor, addressOf(call.parameters));
    return {};
  },
});

const unbind = operation({
  ...about,
  name: 'UnbindUserAuthnSourceMapping',
  parameters: mapping,
  handler: async (call) => {
    await requireEnds(call);
    await unbindUser(call.app, call.actor, addressOf(call.parameters));
    return {};
  },
});

function readSerial(prefix: 'NT' | 'PT', token: string | undefined, name: string): number | undefined {
  if (given(token) === undefined) return undefined;
  const key = parseToken(prefix, token ?? '', name);
  if (/^\d{1,15}$/.test(key)) return Number(key);
  throw invalidParameter(name);
}

const list = operation({
  ...about,
  name: 'ListUserAuthnSourceMappings',
  level: 'list',
  role: 'reader',
  subject: 'User',
  parameters: {
    InstanceId: instanceId,
    UserId: resourceId,
    ...tokenParameters,
    PreviousToken: { type: 'string', maxLength: 512 },
    IdentityProviderId: { type: 'string', maxLength: 64 },
    UserExternalId: { type: 'string', maxLength: 1024 },
  },
  handler: async ({ app, actor, parameters }) => {
    const after = readSerial('NT', parameters.NextToken, 'NextToken');
    const before =
      after === undefined ? readSerial('PT', parameters.PreviousToken, 'PreviousToken') : undefined;
    const limit = parameters.MaxResults ?? defaultLimit;
    const filter = {
      connectionId: given(parameters.IdentityProviderId),
      externalId: given(parameters.UserExternalId),
    };
    const found = await listUserLinks(app, actor, parameters.UserId, filter, { after, before, limit });
    const [first, last] = [found.rows.at(0), found.rows.at(-1)];
    return {
      UserAuthnSourceMappings: found.rows.map((link) => ({
        InstanceId: actor.tenantId,
        UserId: parameters.UserId,
        IdentityProviderId: link.connectionId,
        UserExternalId: link.externalId,
        CreateTime: link.linkedAt.getTime(),
        UpdateTime: link.linkedAt.getTime(),
      })),
      MaxResults: limit,
      TotalCount: found.total,
      NextToken: found.following > 0 && last ? renderToken('NT', String(last.syncSerial)) : undefined,
      PreviousToken: found.preceding > 0 && first ? renderToken('PT', String(first.syncSerial)) : undefined,
    };
  },
});

export const authnSourceMappingOperations: readonly Operation[] = [bind, unbind, list];
