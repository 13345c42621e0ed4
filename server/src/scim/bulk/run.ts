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
 * operation that refers to one that failed fails with 409. After `failOnErrors` errors no other operation is carried
 * out, but what was made is completed. What cannot be completed is taken back: a resource is made as it was sent or not
 * at all, and who named it meanwhile no longer does.
 */
export class BulkRun {
  readonly #request: BulkRequest;
  readonly #steps: readonly BulkStep[];
  readonly #makers: ReadonlySet<string>;
  readonly #ids = new Map<string, string>();
  readonly #completions = new Map<number, readonly PatchOperation[]>();
  readonly #results = new Map<number, BulkResult>();
  readonly #failed = new Set<number>();
  /** Operations whose resources are to be taken back. */
  readonly #unfinished: number[] = [];
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
      const undone = this.#undo();
      if (undone !== undefined) return undone;
      const step = this.#steps[this.#position];
      this.#position += 1;
      const operation = step && operations[step.index];
      if (step === undefined || operation === undefined) return undefined;
      const isOver = failOnErrors !== 0 && this.#failed.size >= failOnErrors;
      const call =
        step.kind === 'complete'
          ? this.#complete(operation, step.index)
          : isOver
            ? undefined
            : this.#perform(operation, step);
      if (call !== undefined) return call;
    }
  }

  record({ index }: BulkCall, outcome: BulkOutcome): void {
    const operation = this.#request.operations[index];
    // What was taken back has been told as the error that it was.
    if (operation === undefined || this.#failed.has(index)) return;
    if (operation.method === 'POST' && operation.bulkId !== undefined && outcome.id !== undefined) {
      this.#ids.set(operation.bulkId, outcome.id);
    }
    const isFailure = outcome.error !== undefined || outcome.status >= 400;
    // Of a resource that was completed later, the client wants to know that it was created.
    const { status: first, location: known } = this.#results.get(index) ?? {};
    if (isFailure) {
      this.#failed.add(index);
      if (first !== undefined) this.#unfinished.push(index);
    }
    const { status, location = isFailure ? undefined : known, version, error } = outcome;
    this.#results.set(index, {
      method: operation.method,
      ...(operation.bulkId === undefined ? {} : { bulkId: operation.bulkId }),
      ...(version === undefined ? {} : { version }),
      ...(location === undefined ? {} : { location }),
      status: first !== undefined && !isFailure ? first : status,
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

  #undo(): BulkCall | undefined {
    const index = this.#unfinished.shift();
    const { bulkId = '', path } = (index === undefined ? undefined : this.#request.operations[index]) ?? {};
    const id = this.#ids.get(bulkId);
    if (index === undefined || path === undefined || id === undefined) return undefined;
    return { index, method: 'DELETE', path: `${path}/${id}` };
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
