import type { HttpResponse } from '../../http-client/client.ts';
import { LockstepError, type ErrorCode } from '../../kernel/errors.ts';
import { isJsonList, isJsonObject, readAttribute, type Json, type JsonObject } from '../../scim/resource.ts';
import type { TargetChange, TargetOutcome } from '../../sync/connector.ts';

const longestDetail = 500;

/** What is the matter with one request. */
export interface Fault {
  readonly status: number;
  /** RFC 7644 section 3.12, table 9. */
  readonly scimType: string | undefined;
  readonly detail: string;
}

export function faultOf(status: number, body: unknown): Fault {
  const error = isJsonObject(body) ? body : {};
  const scimType = readAttribute(error, 'scimType');
  return { status, scimType: typeof scimType === 'string' ? scimType : undefined, detail: detailOf(error) };
}

function detailOf(error: JsonObject): string {
  const said = ['detail', 'message', 'error_description', 'error']
    .map((name) => textOf(readAttribute(error, name)))
    .find((text) => text !== undefined);
  return (said ?? textOf(firstError(error)) ?? '').slice(0, longestDetail);
}

/** SCIM 1.1 and some services of today: `{"Errors": [{"description": "..."}]}`. */
function firstError(error: JsonObject): Json | undefined {
  const errors = readAttribute(error, 'Errors');
  const first = isJsonList(errors) ? errors[0] : errors;
  if (!isJsonObject(first ?? null)) return first;
  const object = first as JsonObject;
  return (
    readAttribute(object, 'description') ??
    readAttribute(object, 'message') ??
    readAttribute(object, 'detail')
  );
}

function textOf(value: Json | undefined): string | undefined {
  return typeof value === 'string' && value.trim() !== '' ? value.trim() : undefined;
}

/** An answer after which no further request makes sense: the batch is tried again later. */
export function batchError(response: HttpResponse): LockstepError | undefined {
  const { status } = response;
  const { detail } = faultOf(status, response.body);
  const said = detail === '' ? '' : `: ${detail}`;
  if (status === 401)
    return new LockstepError('AuthenticationRejected', `the SCIM service rejected the credentials${said}`, {
      remedy: 'Check token or oauth of the connection; tokens expire.',
    });
  if (status === 429)
    return new LockstepError('RateLimited', `the SCIM service takes no more requests for now${said}`);
  if (status === 502 || status === 503 || status === 504)
    return new LockstepError(
      'ConnectionFailed',
      `the SCIM service is not there: it answered ${status}${said}`,
    );
  if (status >= 300 && status < 400) {
    const where = response.headers['location'];
    return new LockstepError(
      'ProtocolError',
      `the SCIM service answered ${status} and points to ${originOf(where)}; redirects are not followed, since credentials would go there`,
      { field: 'url', remedy: 'Give the final address as url.' },
    );
  }
  return undefined;
}

function originOf(location: string | undefined): string {
  if (location === undefined) return 'nowhere';
  return URL.canParse(location) ? new URL(location).origin : 'another path';
}

const codes: Readonly<Record<number, ErrorCode>> = {
  403: 'Forbidden',
  404: 'NotFound',
  409: 'Conflict',
  412: 'RevisionMoved',
  413: 'LimitExceeded',
};

export function faultError({ status, scimType, detail }: Fault): LockstepError {
  const kind = scimType === undefined ? '' : ` (${scimType})`;
  const said = detail === '' ? '' : `: ${detail}`;
  const code = scimType === 'uniqueness' ? 'Conflict' : (codes[status] ?? 'TargetRejected');
  return new LockstepError(code, `the SCIM service answered ${status}${kind}${said}`);
}

export function answerError({ status, body }: Pick<HttpResponse, 'status' | 'body'>): LockstepError {
  return faultError(faultOf(status, body));
}

/** Whether one object of many failed, and not the service as a whole. */
export function isOfOneObject(error: unknown): error is LockstepError {
  const ofAll: readonly ErrorCode[] = [
    'AuthenticationRejected',
    'RateLimited',
    'ConnectionFailed',
    'Cancelled',
  ];
  return error instanceof LockstepError && !ofAll.includes(error.code);
}

export function failed({ ordinal }: TargetChange, error: LockstepError): TargetOutcome {
  return { ordinal, ok: false, code: error.code, message: error.message };
}
