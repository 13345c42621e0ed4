import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout } from 'node:timers/promises';
import { answerBatch } from './batch.ts';
import type { GraphRequest, GraphResponse } from './exchange.ts';
import type { Fault, Faults } from './faults/faults.ts';
import { expiredToken, faultResponse, unauthorized } from './faults/responses.ts';
import { GraphError } from './graph-error.ts';
import type { Authority, TokenProblem } from './login/authority.ts';
import { splitPath } from './paths.ts';
import { send, sendBroken } from './send.ts';
import type { GraphService } from './service.ts';

/** Takes requests off the wire: bearer token, faults, batches; all else is the service's. */
export class GraphServer {
  readonly #service: GraphService;
  readonly #authority: Authority;
  readonly #faults: Faults;

  constructor(service: GraphService, authority: Authority, faults: Faults) {
    this.#service = service;
    this.#authority = authority;
    this.#faults = faults;
  }

  async answer(incoming: IncomingMessage, outgoing: ServerResponse, body: string): Promise<void> {
    const [version = '', ...rest] = (incoming.url ?? '/').slice(1).split('/');
    const { segments, parameters } = splitPath(rest.join('/'));
    const headers = flatten(incoming);
    const anonymous = { clientId: '', roles: [] };
    const request = {
      method: incoming.method ?? 'GET',
      segments,
      parameters,
      headers,
      body: undefined,
      caller: anonymous,
    };
    const who = this.#authority.identify(incoming.headers.authorization);
    const caller = typeof who === 'string' ? anonymous : who;
    const fault = this.#faults.take(request.method, `/${segments.join('/')}`, false);
    if (fault?.kind === 'slow') await setTimeout(fault.milliseconds);
    if (fault?.kind === 'disconnect' && !fault.applied) return void outgoing.socket?.destroy();
    const response =
      version === 'v1.0'
        ? this.#respond({ ...request, caller }, typeof who === 'string' ? who : undefined, body, fault)
        : this.#service.renderError(
            request,
            new GraphError(400, 'BadRequest', `Invalid version: ${version}.`),
          );
    if (fault && sendBroken(outgoing, response, fault)) return;
    send(outgoing, complete(response, headers));
  }

  #respond(
    request: GraphRequest,
    problem: TokenProblem | undefined,
    text: string,
    fault: Fault | undefined,
  ): GraphResponse {
    const refused = (error: GraphError): GraphResponse => {
      this.#service.record(request, `/${request.segments.join('/')}`, error.status, false);
      return this.#service.renderError(request, error);
    };
    if (problem) return refused(tokenError(this.#service.authorizationUri, problem));
    const body = parseBody(text);
    if (body === malformedBody)
      return refused(
        new GraphError(
          400,
          'BadRequest',
          'Unable to read JSON request payload. Please ensure Content-Type header is set and payload is of valid JSON format.',
        ),
      );
    const whole = { ...request, body };
    const instead = fault && faultResponse(this.#service, whole, fault);
    if (!instead) return this.#carryOut(whole);
    if (fault.kind === 'status' && fault.applied) this.#carryOut(whole);
    this.#service.record(whole, `/${request.segments.join('/')}`, instead.status, false);
    return instead;
  }

  #carryOut(request: GraphRequest): GraphResponse {
    if (request.method !== 'POST' || request.segments.join('/') !== '$batch')
      return this.#service.answer(request, false);
    const response = this.#batch(request);
    this.#service.record(request, '/$batch', response.status, false);
    return response;
  }

  #batch(request: GraphRequest): GraphResponse {
    try {
      return answerBatch(this.#service, this.#faults, request);
    } catch (error) {
      if (error instanceof GraphError) return this.#service.renderError(request, error);
      throw error;
    }
  }
}

const malformedBody = Symbol('malformed');

function parseBody(text: string): unknown {
  if (text === '') return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return malformedBody;
  }
}

const tokenMessages: Readonly<Record<Exclude<TokenProblem, 'expired'>, string>> = {
  missing: 'Access token is empty.',
  malformed: 'IDX14100: JWT is not well formed, there are no dots (.).',
  signature: 'Access token validation failure. Invalid signature.',
  audience: 'Access token validation failure. Invalid audience.',
};

const tokenError = (authorizationUri: string, problem: TokenProblem): GraphError =>
  problem === 'expired'
    ? expiredToken(authorizationUri)
    : unauthorized(authorizationUri, tokenMessages[problem]);

function flatten(incoming: IncomingMessage): Record<string, string> {
  return Object.fromEntries(
    Object.entries(incoming.headers).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.join(', ') : (value ?? ''),
    ]),
  );
}

/** Headers that every answer of Graph has. */
function complete(response: GraphResponse, request: Readonly<Record<string, string>>): GraphResponse {
  const requestId = response.headers?.['request-id'] ?? randomUUID();
  return {
    ...response,
    headers: {
      'cache-control': 'no-cache',
      'client-request-id': request['client-request-id'] ?? requestId,
      'odata-version': '4.0',
      'x-ms-ags-diagnostic':
        '{"ServerInfo":{"DataCenter":"Simulated","Slice":"E","Ring":"1","ScaleUnit":"000","RoleInstance":"SIM"}}',
      ...response.headers,
      'request-id': requestId,
    },
  };
}
