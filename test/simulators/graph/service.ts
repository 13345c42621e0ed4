import { randomUUID } from 'node:crypto';
import type { GraphControl } from './control.ts';
import { DeltaRounds } from './delta/rounds.ts';
import { deltaRoutes } from './delta/answer.ts';
import type { GraphRequest, GraphResponse, Route } from './exchange.ts';
import { costOf, Quota, type QuotaSettings, type Rate } from './faults/quota.ts';
import { GraphError } from './graph-error.ts';
import { parseQuery } from './odata/query.ts';
import { checkPermission } from './permissions.ts';
import type { RequestLog } from './request-log.ts';
import { Router } from './router.ts';
import { deletedItemRoutes } from './routes/deleted-items.ts';
import { directoryRoutes } from './routes/directory.ts';
import { groupRoutes } from './routes/groups.ts';
import { memberRoutes } from './routes/members.ts';
import { userReferenceRoutes } from './routes/user-references.ts';
import { userRoutes } from './routes/users.ts';
import type { Tenant } from './state/tenant.ts';

const routes: readonly Route[] = [
  ...userRoutes,
  ...userReferenceRoutes,
  ...groupRoutes,
  ...memberRoutes,
  ...deletedItemRoutes,
  ...directoryRoutes,
  ...deltaRoutes,
];

export interface ServiceOptions {
  readonly tenant: Tenant;
  readonly control: GraphControl;
  readonly log: RequestLog;
  /** Without it nothing is throttled but by planned faults. */
  readonly quota: QuotaSettings | undefined;
}

/** Answers single Graph requests: permission, quota, route, error envelope. Transport and batches are above it. */
export class GraphService {
  readonly rounds = new DeltaRounds();
  readonly #options: ServiceOptions;
  readonly #router = new Router(routes);
  readonly #quotas = new Map<string, Quota>();
  /** Set when the server listens. */
  graphUrl = '';
  authorizationUri = '';

  constructor(options: ServiceOptions) {
    this.#options = options;
  }

  get tenant(): Tenant {
    return this.#options.tenant;
  }

  get control(): GraphControl {
    return this.#options.control;
  }

  answer(request: GraphRequest, inBatch: boolean): GraphResponse {
    let pattern = `/${request.segments.join('/')}`;
    const response = this.#guarded(request, () => {
      const headers = this.#charge(request);
      const match = this.#router.get(request.method, request.segments);
      pattern = match.route.pattern;
      checkPermission(request, pattern);
      const response = match.route.handler({
        request,
        parameters: match.parameters,
        query: parseQuery(request.parameters, request.headers),
        tenant: this.tenant,
        control: this.control,
        rounds: this.rounds,
        graphUrl: this.graphUrl,
      });
      return { ...response, headers: { ...headers, ...response.headers } };
    });
    this.record(request, pattern, response.status, inBatch);
    return response;
  }

  record(request: GraphRequest, pattern: string, status: number, inBatch: boolean): void {
    const { method, headers, body } = request;
    const path = `/${request.segments.join('/')}`;
    const query = request.parameters.toString();
    this.#options.log.add({ method, path, pattern, query, status, inBatch, headers, body });
  }

  /** Runs `work`; a GraphError becomes the answer. */
  #guarded(request: GraphRequest, work: () => GraphResponse): GraphResponse {
    try {
      return work();
    } catch (error) {
      if (error instanceof GraphError) return this.renderError(request, error);
      throw error;
    }
  }

  /** The error envelope of Graph. */
  renderError(request: Pick<GraphRequest, 'headers'>, error: GraphError): GraphResponse {
    const requestId = randomUUID();
    const innerError = {
      date: this.tenant.timestamp().slice(0, -1),
      'request-id': requestId,
      'client-request-id': request.headers['client-request-id'] ?? requestId,
    };
    const details = error.details ? { details: error.details } : {};
    return {
      status: error.status,
      headers: { ...error.headers, 'request-id': requestId },
      body: { error: { code: error.code, message: error.message, ...details, innerError } },
    };
  }

  /** Takes the cost from the caller's quota. @throws GraphError 429 */
  #charge(request: GraphRequest): Record<string, string> {
    const cost = costOf(request);
    const headers: Record<string, string> = { 'x-ms-resource-unit': String(cost.units) };
    if (!this.#options.quota) return headers;
    const { clientId } = request.caller;
    let quota = this.#quotas.get(clientId);
    if (!quota)
      this.#quotas.set(clientId, (quota = new Quota(this.#options.quota, this.tenant.settings.now)));
    const verdict = quota.take(cost);
    if (this.control.behaviour.rateLimitHeaders) Object.assign(headers, rateHeaders(verdict.rate));
    if (verdict.passed) {
      if (verdict.used > 0.8) headers['x-ms-throttle-limit-percentage'] = verdict.used.toFixed(2);
      return headers;
    }
    const scope = `Tenant_Application/${verdict.scope}/${clientId}/${this.tenant.settings.tenantId}`;
    throw new GraphError(429, 'TooManyRequests', 'Too Many Requests', {
      headers: {
        ...headers,
        'retry-after': verdict.retryAfter.toFixed(3).replace(/\.?0+$/, ''),
        'x-ms-throttle-limit-percentage': '1.00',
        'x-ms-throttle-scope': scope,
        'x-ms-throttle-information': verdict.reason,
      },
    });
  }
}

const rateHeaders = ({ limit, remaining, reset }: Rate): Record<string, string> => ({
  'ratelimit-limit': String(limit),
  'ratelimit-remaining': String(remaining),
  'ratelimit-reset': String(reset),
});
