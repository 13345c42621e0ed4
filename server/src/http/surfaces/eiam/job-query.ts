import type { JobStatus } from '@lockstep/contract/vocabulary.ts';
import type { JobListFilter } from '../../../app/jobs.ts';
import { applicationIds, connectionIdsWithJobs } from '../../../app/sync-targets.ts';
import { isJobId } from '../../../kernel/ids.ts';
import { EiamError, invalidParameter } from './errors.ts';
import { jobStatuses, nativeStatuses } from './job-view.ts';
import type { OperationCall } from './operation.ts';
import { instanceId } from './operation.ts';
import type { ParametersOf } from './parameter-schema.ts';

/** Milliseconds up to the last moment that a date can hold (ECMAScript section 21.4.1.1). */
const moment = { type: 'long', minimum: 0, maximum: 8_640_000_000_000_000 } as const;
const defaultPageSize = 20;
const largestPage = 100;
const mostPages = 1_000_000;

export const listParameters = {
  InstanceId: instanceId,
  // Checked where they count: with MaxResults or NextToken they are ignored.
  PageNumber: { type: 'long' },
  PageSize: { type: 'long' },
  NextToken: { type: 'string', maxLength: 200 },
  MaxResults: { type: 'long', minimum: 1, maximum: largestPage },
  TargetType: { type: 'string', values: ['identity_provider', 'application'] },
  TargetIds: { type: 'array', items: { type: 'string', maxLength: 64 }, maxItems: 100 },
  StartTime: moment,
  EndTime: moment,
  Direction: { type: 'string', values: ['ingress', 'egress'] },
  Status: { type: 'string', values: jobStatuses },
  Filters: {
    type: 'array',
    items: {
      type: 'object',
      fields: {
        Key: { type: 'string', required: true },
        Values: { type: 'array', items: { type: 'string' }, maxItems: 100 },
      },
    },
    maxItems: 10,
  },
} as const;
export type ListParameters = ParametersOf<typeof listParameters>;

/** The part of a list that is asked for. */
export interface JobSlice {
  readonly limit: number;
  readonly after?: string | undefined;
  readonly offset?: number | undefined;
  /** Whether the answer leads on by a token. */
  readonly byToken: boolean;
}

const tokenPrefix = 'NT';

export function renderToken(jobId: string): string {
  return `${tokenPrefix}${Buffer.from(jobId).toString('base64url')}`;
}

function parseToken(token: string): string {
  const jobId = Buffer.from(token.slice(tokenPrefix.length), 'base64url').toString();
  if (isJobId(jobId) && renderToken(jobId) === token) return jobId;
  throw invalidParameter('NextToken');
}

function within(value: number, most: number, name: string): number {
  if (value >= 1 && value <= most) return value;
  throw invalidParameter(name, `It must be a whole number from 1 to ${most}.`);
}

/** The token wins: then number and size of pages are ignored. */
export function readSlice(parameters: ListParameters): JobSlice {
  const { NextToken, MaxResults, PageNumber, PageSize } = parameters;
  const token = NextToken === '' ? undefined : NextToken;
  if (token !== undefined || MaxResults !== undefined) {
    const after = token === undefined ? undefined : parseToken(token);
    return { limit: MaxResults ?? defaultPageSize, after, byToken: true };
  }
  const limit = within(PageSize ?? defaultPageSize, largestPage, 'PageSize');
  const page = within(PageNumber ?? 1, mostPages, 'PageNumber');
  const paged = PageNumber !== undefined || PageSize !== undefined;
  return { limit, offset: (page - 1) * limit, byToken: !paged };
}

function intersect(left: readonly string[] | undefined, right: readonly string[]): string[] {
  return left === undefined ? [...right] : left.filter((item) => right.includes(item));
}

interface Narrowing {
  statuses: string[] | undefined;
  directions: string[] | undefined;
  targets: string[] | undefined;
}

/** Keys of `Filters`: the document names none, these are the members of a job by which lists can be narrowed. */
const filterKeys = { Status: 'statuses', Direction: 'directions', TargetId: 'targets' } as const;

function narrowByFilters(parameters: ListParameters, narrowing: Narrowing): void {
  for (const { Key, Values = [] } of parameters.Filters ?? []) {
    const member = Object.hasOwn(filterKeys, Key) ? filterKeys[Key as keyof typeof filterKeys] : undefined;
    if (member === undefined || Values.length === 0) throw invalidParameter('Filters');
    const known: Readonly<Record<string, readonly string[]>> = {
      Status: jobStatuses,
      Direction: ['ingress', 'egress'],
    };
    if (known[Key] !== undefined && !Values.every((value) => known[Key]?.includes(value))) {
      throw invalidParameter('Filters');
    }
    narrowing[member] = intersect(narrowing[member], Values);
  }
}

async function narrowByType(
  { app, actor, parameters }: OperationCall<ListParameters>,
  narrowing: Narrowing,
): Promise<void> {
  if (parameters.TargetType === undefined) return;
  const applications = await applicationIds(app, actor);
  if (parameters.TargetType === 'application') {
    narrowing.targets = intersect(narrowing.targets, applications);
  } else if (applications.length > 0) {
    const all = narrowing.targets ?? (await connectionIdsWithJobs(app, actor));
    narrowing.targets = all.filter((id) => !applications.includes(id));
  }
}

/** What is asked for as a filter of jobs; previews are never shown. @throws EiamError InvalidParameter.X */
export async function readFilter(call: OperationCall<ListParameters>): Promise<JobListFilter> {
  const { Status, Direction, TargetIds, StartTime, EndTime } = call.parameters;
  if (StartTime !== undefined && EndTime !== undefined && StartTime > EndTime) {
    throw invalidParameter('EndTime', 'It lies before StartTime.');
  }
  const narrowing: Narrowing = {
    statuses: Status && [Status],
    directions: Direction && [Direction],
    targets: TargetIds && [...TargetIds],
  };
  narrowByFilters(call.parameters, narrowing);
  await narrowByType(call, narrowing);
  const { statuses, directions, targets } = narrowing;
  const oneDirection = directions?.length === 1 ? (directions[0] as 'ingress' | 'egress') : undefined;
  return {
    modes: ['apply', 'approve'],
    status: directions?.length === 0 ? [] : statuses?.flatMap(toNative),
    direction: oneDirection,
    connectionIds: targets,
    startedAfter: StartTime === undefined ? undefined : new Date(StartTime),
    startedBefore: EndTime === undefined ? undefined : new Date(EndTime),
  };
}

function toNative(status: string): JobStatus[] {
  const known = jobStatuses.find((one) => one === status);
  if (known === undefined) throw new EiamError(400, 'InvalidParameter.Status', 'Unknown status.');
  return nativeStatuses(known);
}
