import { type PatchOperation, renderPatchRequest } from '../patch/request.ts';
import { isJsonObject, type Json, type JsonObject } from '../resource.ts';
import { renderScimError, type ScimError } from '../errors.ts';
import { type BulkStep, planBulk } from './plan.ts';
import { deferReferences, listReferences, resolveData, resolvePath } from './references.ts';
import type { BulkMethod, BulkOperation, BulkRequest } from './request.ts';
import type { BulkResult } from './response.ts';

/** A request to carry out now, with all references resolved. */
export interface BulkCall {
  /** Of the operation in the request. */
  readonly index: number;
  readonly method: BulkMethod;
  readonly path: string;
  readonly version?: string;
  readonly data?: Json;
}

/** What became of a call. */
export interface BulkOutcome {
  readonly status: number;
  /** Id of the resource that a POST made. */
  readonly id?: string;
  readonly location?: string;
  readonly version?: string;
  readonly error?: ScimError;
}

/**
 * Leads through a bulk request call by call: `next` gives the call to make, `record` takes what became of it. An
 * operation that refers to one that failed fails with 409; after `failOnErrors` errors there is no next.
 */
export class BulkRun {
  readonly #request: BulkRequest;
  readonly #steps: readonly BulkStep[];
  readonly #makers: ReadonlySet<string>;
  readonly #ids = new Map<string, string>();
  readonly #completions = new Map<number, readonly PatchOperation[]>();
  readonly #results = new Map<number, BulkResult>();
  readonly #failed = new Set<number>();
  #position = 0;

  constructor(request: BulkRequest) {
    this.#request = request;
    this.#steps = planBulk(request.operations);
    this.#makers = new Set(
      request.operations.flatMap(({ method, bulkId }) => (method === 'POST' && bulkId ? [bulkId] : [])),
    );
  }

  next(): BulkCall | undefined {
    const { failOnErrors, operations } = this.#request;
    for (;;) {
      if (failOnErrors !== 0 && this.#failed.size >= failOnErrors) return undefined;
      const step = this.#steps[this.#position];
      this.#position += 1;
      const operation = step && operations[step.index];
      if (step === undefined || operation === undefined) return undefined;
      const call =
        step.kind === 'perform' ? this.#perform(operation, step) : this.#complete(operation, step.index);
      if (call !== undefined) return call;
    }
  }

  record({ index }: BulkCall, outcome: BulkOutcome): void {
    const operation = this.#request.operations[index];
    if (operation === undefined) return;
    if (operation.method === 'POST' && operation.bulkId !== undefined && outcome.id !== undefined) {
      this.#ids.set(operation.bulkId, outcome.id);
    }
    const { status, location = this.#results.get(index)?.location, version, error } = outcome;
    if (error !== undefined || status >= 400) this.#failed.add(index);
    // Of a resource that was completed later, the client wants to know that it was created.
    const first = this.#results.get(index)?.status;
    this.#results.set(index, {
      method: operation.method,
      ...(operation.bulkId === undefined ? {} : { bulkId: operation.bulkId }),
      ...(version === undefined ? {} : { version }),
      ...(location === undefined ? {} : { location }),
      status: first !== undefined && status < 400 ? first : status,
      ...(error === undefined ? {} : { response: renderScimError(error) }),
    });
  }

  /** What became of the operations that were processed, in the order of the request. */
  results(): BulkResult[] {
    return [...this.#results].sort(([left], [right]) => left - right).map(([, result]) => result);
  }

  #perform(
    operation: BulkOperation,
    { index, deferred }: Extract<BulkStep, { kind: 'perform' }>,
  ): BulkCall | undefined {
    const missing = [...listReferences(operation)].find((id) => !deferred.has(id) && !this.#ids.has(id));
    if (missing !== undefined) return this.#refuse(index, missing);
    const { method, path, version, data } = operation;
    const call = {
      index,
      method,
      path: resolvePath(path, this.#ids),
      ...(version === undefined ? {} : { version }),
    };
    if (data === undefined) return call;
    if (deferred.size === 0 || !isJsonObject(data)) return { ...call, data: resolveData(data, this.#ids) };
    const { data: first, operations } = deferReferences(data, deferred);
    this.#completions.set(index, operations);
    return { ...call, data: resolveData(first, this.#ids) };
  }

  #complete(operation: BulkOperation, index: number): BulkCall | undefined {
    const id = operation.bulkId === undefined ? undefined : this.#ids.get(operation.bulkId);
    const operations = this.#completions.get(index) ?? [];
    // What could not be made has nothing to complete.
    if (id === undefined || operations.length === 0) return undefined;
    const data: JsonObject = renderPatchRequest(operations);
    const missing = [...listReferences({ method: 'PATCH', path: '', data })].find(
      (each) => !this.#ids.has(each),
    );
    if (missing !== undefined) return this.#refuse(index, missing);
    return { index, method: 'PATCH', path: `${operation.path}/${id}`, data: resolveData(data, this.#ids) };
  }

  #refuse(index: number, bulkId: string): undefined {
    const error: ScimError = this.#makers.has(bulkId)
      ? {
          status: 409,
          detail: `The operation with bulkId "${bulkId}", which this one refers to, was not carried out.`,
        }
      : {
          status: 400,
          scimType: 'invalidValue',
          detail: `No operation of the request has the bulkId "${bulkId}".`,
        };
    const operation = this.#request.operations[index];
    if (operation !== undefined) {
      this.record({ index, method: operation.method, path: operation.path }, { status: error.status, error });
    }
    return undefined;
  }
}
