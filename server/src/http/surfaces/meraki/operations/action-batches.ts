import { z } from 'zod';
import {
  addActionBatch,
  carryOutBatch,
  confirmBatch,
  deleteActionBatch,
  getActionBatch,
  listActionBatches,
  pendingBatches,
  type ActionBatch,
  type BatchAction,
  type PerformAction,
} from '../../../../app/action-batches.ts';
import { LockstepError } from '../../../../kernel/errors.ts';
import { errorText } from '../errors.ts';
import { booleanField, serialOf } from '../fields.ts';
import { operation, type Answer, type Caller, type Operation } from '../operation.ts';
import { Query } from '../query.ts';

const path = '/organizations/{organizationId}/actionBatches';
const mostSynchronous = 20;
const mostActions = 100;

/** Members of actions that are told to nobody, wherever they stand and also where their names are misspelt. */
const secretMember = /secret|password|token/i;

function withoutSecrets(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutSecrets);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name]) => !secretMember.test(name))
      .map(([name, member]) => [name, withoutSecrets(member)]),
  );
}

function renderBatch(batch: ActionBatch, organizationId: string) {
  return {
    id: String(batch.serial),
    organizationId,
    confirmed: batch.status !== 'unconfirmed',
    synchronous: batch.synchronous,
    status: {
      completed: batch.status === 'completed',
      failed: batch.status === 'failed',
      errors: batch.errors,
      createdResources: batch.createdResources,
    },
    actions: batch.actions.map(({ resource, operation: name, body }) => ({
      resource,
      operation: name,
      body: withoutSecrets(body),
    })),
  };
}

/** What an action asks for: an operation of the table, with the parameters of its path. */
interface ResolvedAction {
  readonly operation: Operation;
  readonly params: Readonly<Record<string, string>>;
}

function resolveAction(operations: readonly Operation[], action: BatchAction): ResolvedAction | undefined {
  for (const one of operations) {
    if (one.batch !== action.operation) continue;
    const pattern = one.path.replace(/\{(\w+)\}/g, '(?<$1>\\d+)');
    const found = new RegExp(`^(?:/api/v1)?/?${pattern.slice(1)}/?$`).exec(action.resource);
    if (found !== null) return { operation: one, params: { ...found.groups } };
  }
  return undefined;
}

function getAction(
  operations: readonly Operation[],
  organizationId: string | undefined,
  action: BatchAction,
): ResolvedAction {
  const resolved = resolveAction(operations, action);
  if (resolved !== undefined && resolved.params['organizationId'] === organizationId) return resolved;
  throw new LockstepError(
    'InvalidRequest',
    `the operation '${action.operation}' on '${action.resource}' cannot be done in a batch`,
    { field: 'actions' },
  );
}

function tellError(error: unknown): string {
  return error instanceof LockstepError ? errorText(error) : 'An unexpected error occurred';
}

const batchBody = z.object(
  {
    confirmed: booleanField,
    synchronous: booleanField,
    actions: z
      .array(
        z.object({
          resource: z.string({ error: 'is required' }).max(2000),
          operation: z.string({ error: 'is required' }).max(100),
          body: z.record(z.string(), z.unknown()).nullish(),
        }),
        { error: 'must be an array of actions' },
      )
      .min(1, 'must not be empty')
      .max(mostActions, `must have ${mostActions} actions at most`),
  },
  { error: 'must be an object' },
);

const statuses = {
  pending: ['unconfirmed', 'pending'],
  completed: ['completed'],
  failed: ['failed'],
} as const;

/**
 * The operations of action batches.
 * @param operations what may be done in a batch
 * @param inBackground takes work that goes on after the answer
 */
export function actionBatchOperations(
  operations: readonly Operation[],
  inBackground: (work: Promise<unknown>) => void,
): Operation[] {
  function performFor(caller: Caller, organizationId: string | undefined): PerformAction {
    return async (within, actor, action) => {
      const { operation: one, params } = getAction(operations, organizationId, action);
      const call = { params, query: new Query(''), body: action.body };
      // A test talks to another system, which may take long, and changes nothing.
      if (one.batch === 'test_connectivity')
        return { afterwards: async () => one.handle({ ...caller, actor }, call) };
      const { created } = await one.handle({ ...caller, app: within, actor }, call);
      return {
        created: created && {
          id: created.id,
          uri: created.uri.replace('{organizationId}', organizationId ?? ''),
        },
      };
    };
  }

  async function carryOut(caller: Caller, organizationId: string | undefined, serial: number): Promise<void> {
    await carryOutBatch(caller.app, caller.actor, serial, performFor(caller, organizationId), tellError);
  }

  /** Carries out what waits, oldest first: also what a process left that is gone. */
  async function carryOutPending(caller: Caller, organizationId: string | undefined): Promise<void> {
    for (const serial of await pendingBatches(caller.app, caller.actor))
      await carryOut(caller, organizationId, serial);
  }

  async function answer(caller: Caller, organizationId: string | undefined, serial: number): Promise<Answer> {
    const batch = await getActionBatch(caller.app, caller.actor, serial);
    if (batch.status === 'pending' && batch.synchronous) await carryOut(caller, organizationId, serial);
    else if (batch.status === 'pending') inBackground(carryOutPending(caller, organizationId));
    const after = await getActionBatch(caller.app, caller.actor, serial);
    return { body: renderBatch(after, organizationId ?? '') };
  }

  const listBatches = operation({
    id: 'getOrganizationActionBatches',
    method: 'GET',
    path,
    tags: ['organizations'],
    summary: 'List action batches',
    scope: 'dashboard:iam:config:read',
    query: [{ name: 'status', type: 'string' }],
    deviations: ['Shows the newest 1,000.', 'Secrets in the bodies of actions are left out.'],
    handle: async (caller, { params, query }) => {
      const status = query.text('status');
      if (status !== undefined && !Object.hasOwn(statuses, status))
        throw new LockstepError('InvalidRequest', "'status' must be pending, completed or failed");
      const wanted = status === undefined ? undefined : statuses[status as keyof typeof statuses];
      const batches = await listActionBatches(caller.app, caller.actor, wanted);
      if (batches.some((batch) => batch.status === 'pending'))
        inBackground(carryOutPending(caller, params['organizationId']));
      return { body: batches.map((batch) => renderBatch(batch, params['organizationId'] ?? '')) };
    },
  });

  const createBatch = operation({
    id: 'createOrganizationActionBatch',
    method: 'POST',
    path,
    tags: ['organizations'],
    summary: 'Do several writes in order, all of them or none',
    scope: 'dashboard:iam:config:write',
    body: batchBody,
    status: 201,
    deviations: [
      'A synchronous batch that fails is answered with 201 and `status.failed`.',
      'A test of connectivity is made when the other actions are done.',
    ],
    handle: async (caller, { params, body }) => {
      const { organizationId } = params;
      const synchronous = body.synchronous ?? false;
      if (synchronous && body.actions.length > mostSynchronous)
        throw new LockstepError(
          'InvalidRequest',
          `'actions' of a synchronous batch must be ${mostSynchronous} at most`,
        );
      const actions = body.actions.map((action) => ({ ...action, body: action.body ?? {} }));
      for (const action of actions) getAction(operations, organizationId, action);
      const batch = await addActionBatch(caller.app, caller.actor, {
        confirmed: body.confirmed ?? false,
        synchronous,
        actions,
      });
      return answer(caller, organizationId, batch.serial);
    },
  });

  const getBatch = operation({
    id: 'getOrganizationActionBatch',
    method: 'GET',
    path: `${path}/{actionBatchId}`,
    tags: ['organizations'],
    summary: 'Show an action batch',
    scope: 'dashboard:iam:config:read',
    handle: async (caller, { params }) =>
      answer(caller, params['organizationId'], serialOf(params['actionBatchId'], 'Action batch')),
  });

  const updateBatch = operation({
    id: 'updateOrganizationActionBatch',
    method: 'PUT',
    path: `${path}/{actionBatchId}`,
    tags: ['organizations'],
    summary: 'Confirm an action batch',
    scope: 'dashboard:iam:config:write',
    body: batchBody.pick({ confirmed: true, synchronous: true }),
    handle: async (caller, { params, body }) => {
      const serial = serialOf(params['actionBatchId'], 'Action batch');
      const batch = await getActionBatch(caller.app, caller.actor, serial);
      if (body.confirmed === true)
        await confirmBatch(caller.app, caller.actor, serial, body.synchronous ?? batch.synchronous);
      return answer(caller, params['organizationId'], serial);
    },
  });

  const deleteBatch = operation({
    id: 'deleteOrganizationActionBatch',
    method: 'DELETE',
    path: `${path}/{actionBatchId}`,
    tags: ['organizations'],
    summary: 'Delete an action batch that is not being carried out',
    scope: 'dashboard:iam:config:write',
    status: 204,
    handle: async (caller, { params }) => {
      await deleteActionBatch(caller.app, caller.actor, serialOf(params['actionBatchId'], 'Action batch'));
      return {};
    },
  });

  return [listBatches, createBatch, getBatch, updateBatch, deleteBatch];
}
