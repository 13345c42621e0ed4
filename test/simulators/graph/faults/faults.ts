/** What goes wrong with a request. */
export type Fault =
  | {
      /** An error answer; 429 and 503 with Retry-After where given, as it stands: '2.128', 1, an HTTP date. */
      readonly kind: 'status';
      readonly status: number;
      readonly retryAfter?: string | number;
      readonly code?: string;
      readonly message?: string;
      /** The request is carried out all the same: its answer alone is lost. */
      readonly applied?: boolean;
    }
  /** 401 InvalidAuthenticationToken with claims in WWW-Authenticate. */
  | { readonly kind: 'expiredToken' }
  /** The answer ends in the middle of its JSON; `length` promises more bytes than come, `json` does not. */
  | { readonly kind: 'truncated'; readonly cut: 'length' | 'json' }
  /** The answer has this many more bytes. */
  | { readonly kind: 'huge'; readonly bytes: number }
  /** The connection breaks: before the request was carried out, or after it. */
  | { readonly kind: 'disconnect'; readonly applied?: boolean }
  /** A gateway's page instead of JSON. */
  | { readonly kind: 'html'; readonly status: number }
  /** The answer comes this much later. */
  | { readonly kind: 'slow'; readonly milliseconds: number };

/** A fault and the requests it is for. */
export interface PlannedFault {
  readonly fault: Fault;
  readonly method?: string;
  /** The path below `/v1.0` must match. */
  readonly path?: RegExp;
  /** Only requests of batches, or only others. */
  readonly inBatch?: boolean;
  /** How many requests it meets; 1 when not given, Infinity until `clear()`. */
  readonly times?: number;
  /** It lets so many fitting requests pass first. */
  readonly after?: number;
}

interface Pending {
  readonly plan: PlannedFault;
  left: number;
  skip: number;
}

/** Faults that wait for their requests, in the order of their planning. */
export class Faults {
  #pending: Pending[] = [];

  plan(plan: PlannedFault): void {
    this.#pending.push({ plan, left: plan.times ?? 1, skip: plan.after ?? 0 });
  }

  clear(): void {
    this.#pending = [];
  }

  /** Faults that have not met all their requests yet. */
  get waiting(): number {
    return this.#pending.length;
  }

  /** The fault of this request, used up by it. */
  take(method: string, path: string, inBatch: boolean): Fault | undefined {
    for (const pending of this.#pending) {
      if (!fits(pending.plan, method, path, inBatch)) continue;
      if (pending.skip > 0) {
        pending.skip -= 1;
        continue;
      }
      pending.left -= 1;
      if (pending.left <= 0) this.#pending = this.#pending.filter((other) => other !== pending);
      return pending.plan.fault;
    }
    return undefined;
  }
}

function fits(plan: PlannedFault, method: string, path: string, inBatch: boolean): boolean {
  if (plan.method !== undefined && plan.method !== method) return false;
  if (plan.inBatch !== undefined && plan.inBatch !== inBatch) return false;
  return plan.path === undefined || plan.path.test(path);
}
