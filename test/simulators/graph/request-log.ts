/** One request as the simulator saw it; those of a batch by themselves, and the batch too. */
export interface LoggedRequest {
  readonly method: string;
  /** Below `/v1.0`, without the query: `/users/0b9f…`. */
  readonly path: string;
  /** The pattern that answered: `/users/{id}`; the path when none did. */
  readonly pattern: string;
  readonly query: string;
  readonly status: number;
  readonly inBatch: boolean;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
}

/** Which requests to count; all that is named must fit. */
export interface RequestMatch {
  readonly method?: string;
  /** The pattern as it stands, or an expression that the path must match. */
  readonly path?: string | RegExp;
  readonly status?: number;
}

const mostRequests = 100_000;

/** What was asked of the simulator since the last reset. */
export class RequestLog {
  #requests: LoggedRequest[] = [];
  #tokens = 0;

  add(request: LoggedRequest): void {
    if (this.#requests.length < mostRequests) this.#requests.push(request);
  }

  addToken(): void {
    this.#tokens += 1;
  }

  /** Token requests that the authority answered, errors included. */
  get tokens(): number {
    return this.#tokens;
  }

  list(match: RequestMatch = {}): readonly LoggedRequest[] {
    return this.#requests.filter((request) => fits(request, match));
  }

  count(match: RequestMatch = {}): number {
    return this.list(match).length;
  }

  /** Requests that may change something: not GET, and not a batch or a look-up by POST. */
  writes(): readonly LoggedRequest[] {
    const reads = ['/$batch', '/directoryObjects/getByIds'];
    return this.#requests.filter(({ method, pattern }) => method !== 'GET' && !reads.includes(pattern));
  }

  /** How often each method and pattern came: `{"GET /users/delta": 2}`. */
  summary(): Readonly<Record<string, number>> {
    const counts: Record<string, number> = {};
    for (const { method, pattern } of this.#requests) {
      const key = `${method} ${pattern}`;
      counts[key] = (counts[key] ?? 0) + 1;
    }
    return counts;
  }

  reset(): void {
    this.#requests = [];
    this.#tokens = 0;
  }
}

function fits(request: LoggedRequest, { method, path, status }: RequestMatch): boolean {
  if (method !== undefined && request.method !== method) return false;
  if (status !== undefined && request.status !== status) return false;
  if (path === undefined) return true;
  return typeof path === 'string'
    ? request.pattern === path || request.path === path
    : path.test(request.path);
}
