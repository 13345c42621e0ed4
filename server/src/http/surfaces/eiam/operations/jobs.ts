import { getApplication } from '../../../../app/applications.ts';
import { countJobs, getJob, listJobs, requestJob } from '../../../../app/jobs.ts';
import { isSameRun } from '../../../../app/requested-run.ts';
import { applicationIds, checkSelection, getSyncOfConnection } from '../../../../app/sync-targets.ts';
import { LockstepError } from '../../../../kernel/errors.ts';
import { EiamError, provisioningConfigMissing, resourceNotFound } from '../errors.ts';
import { listParameters, readFilter, readSlice, renderToken } from '../job-query.ts';
import { showJob } from '../job-view.ts';
import { instanceId, operation, resourceId, type Operation, type OperationCall } from '../operation.ts';
import type { ParametersOf } from '../parameter-schema.ts';

const ids = { type: 'array', items: { type: 'string', maxLength: 64 }, maxItems: 1000 } as const;
const runParameters = {
  InstanceId: instanceId,
  TargetType: { type: 'string', required: true, values: ['identity_provider', 'application'] },
  TargetId: resourceId,
  Description: { type: 'string', maxLength: 256 },
  PasswordInitialization: { type: 'boolean' },
  SynchronizationScopeConfig: {
    type: 'object',
    fields: { GroupIds: ids, OrganizationalUnitIds: ids, UserIds: ids },
  },
  UserIdentityTypes: { type: 'array', items: { type: 'string' } },
} as const;

type RunCall = OperationCall<ParametersOf<typeof runParameters>>;

const typeOfList = {
  UserIds: 'User',
  GroupIds: 'Group',
  OrganizationalUnitIds: 'OrganizationalUnit',
} as const;

async function readSelection({ app, actor, parameters }: RunCall) {
  const config = parameters.SynchronizationScopeConfig;
  if (config === undefined) return undefined;
  const { UserIds: userIds, GroupIds: groupIds, OrganizationalUnitIds: organizationalUnitIds } = config;
  try {
    return await checkSelection(app, actor, { userIds, groupIds, organizationalUnitIds });
  } catch (error) {
    const field = error instanceof LockstepError && error.code === 'NotFound' ? error.field : undefined;
    if (field === undefined) throw error;
    throw resourceNotFound(typeOfList[field as keyof typeof typeOfList]);
  }
}

/** Why an application has nothing to run: there is none, or its provisioning has not been configured. */
async function nothingToRun({ app, actor, parameters }: RunCall): Promise<EiamError> {
  try {
    await getApplication(app, actor, parameters.TargetId);
  } catch (error) {
    if (!(error instanceof LockstepError) || error.code !== 'NotFound') throw error;
    return resourceNotFound('Application');
  }
  return provisioningConfigMissing();
}

async function run(call: RunCall): Promise<Record<string, unknown>> {
  const { app, actor, parameters } = call;
  const isApplication = parameters.TargetType === 'application';
  const kind = isApplication ? 'application' : 'identityProvider';
  let sync;
  try {
    sync = await getSyncOfConnection(app, actor, parameters.TargetId, kind);
  } catch (error) {
    if (!(error instanceof LockstepError) || error.code !== 'NotFound') throw error;
    throw isApplication ? await nothingToRun(call) : resourceNotFound('IdentityProvider');
  }
  const selection = await readSelection(call);
  const request = {
    mode: 'apply',
    startedThrough: 'eiam',
    description: parameters.Description,
    selection,
  } as const;
  const { job, created } = await requestJob(app, actor, sync.id, request);
  if (!created && !isSameRun(job, request)) {
    throw new EiamError(409, 'OperationDenied.SynchronizationJobRunning', `Job ${job.id} has not ended.`);
  }
  return { SynchronizationJobId: job.id };
}

const runSynchronizationJob = operation({
  name: 'RunSynchronizationJob',
  level: 'create',
  role: 'operator',
  subject: 'IdentityProvider',
  parameters: runParameters,
  resource: ({ InstanceId }) => `instance/${InstanceId}/synchronizationjob/*`,
  deviations: [
    'answers with the job that is under way, if the target has one of the same scope',
    'PasswordInitialization is taken and has no effect: users of this directory have no passwords',
    'UserIdentityTypes is taken and has no effect: it tells the kinds of users of DingTalk apart, and there is none here',
  ],
  handler: run,
});

const getSynchronizationJob = operation({
  name: 'GetSynchronizationJob',
  level: 'get',
  subject: 'SynchronizationJob',
  parameters: { InstanceId: instanceId, SynchronizationJobId: resourceId },
  resource: ({ InstanceId, SynchronizationJobId }) =>
    `instance/${InstanceId}/synchronizationjob/${SynchronizationJobId}`,
  handler: async ({ app, actor, parameters }) => {
    const job = await getJob(app, actor, parameters.SynchronizationJobId);
    if (job.mode === 'dryRun') throw resourceNotFound('SynchronizationJob');
    const applications = await applicationIds(app, actor);
    const type = applications.includes(job.connectionId) ? 'application' : 'identity_provider';
    return { SynchronizationJob: showJob(job, type, false) };
  },
});

const listSynchronizationJobs = operation({
  name: 'ListSynchronizationJobs',
  level: 'list',
  parameters: listParameters,
  resource: ({ InstanceId }) => `instance/${InstanceId}/synchronizationjob/*`,
  deviations: [
    'Filters takes the keys Status, Direction and TargetId',
    'StartTime is absent while a job is pending, and filters by time pass such a job over',
  ],
  handler: async (call) => {
    const { app, actor } = call;
    const slice = readSlice(call.parameters);
    const filter = await readFilter(call);
    const { limit, after, offset } = slice;
    const page = await listJobs(app, actor, filter, { limit, after, offset });
    const applications = new Set(await applicationIds(app, actor));
    return {
      TotalCount: await countJobs(app, actor, filter),
      NextToken: slice.byToken && page.next !== null ? renderToken(page.next) : undefined,
      SynchronizationJobs: page.items.map((job) =>
        showJob(job, applications.has(job.connectionId) ? 'application' : 'identity_provider', true),
      ),
    };
  },
});

export const jobOperations: readonly Operation[] = [
  runSynchronizationJob,
  getSynchronizationJob,
  listSynchronizationJobs,
];
