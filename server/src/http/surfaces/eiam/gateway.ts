import { purgeExpiredAccess, type Signer } from '../../../app/access/signer.ts';
import type { Application } from '../../../app/application.ts';
import { authenticateSigned } from './authenticate.ts';
import { authorize, requireBearingRole } from './authorize.ts';
import { EiamError, invalidParameter, resourceNotFound, toEiamError, unknownOperation } from './errors.ts';
import { answerOnce } from './idempotency.ts';
import type { Answer, Operation } from './operation.ts';
import { operationTable } from './operation-table.ts';
import { readParameters } from './parameters.ts';
import { mandatory } from './signed-request.ts';
import { Throttle } from '../../throttle.ts';
import { mergeParameters, printableName, singleHeader, type WireRequest } from './wire.ts';

export const apiVersion = '2021-12-01';
/** Milliseconds between two looks for nonces and temporary keys whose time is over. */
const purgeEvery = 60_000;

/** What the gateway must know of the connection that a request came over. */
export interface Connection {
  readonly requestId: string;
  readonly sourceIp: string;
  readonly secureTransport: boolean;
  readonly origin: string;
}

/** A value that may be named in a header and in a parameter, but not differently. */
function named(
  request: WireRequest,
  parameters: ReadonlyMap<string, string>,
  header: string,
  name: string,
): string {
  const [inHeader, inParameters] = [singleHeader(request, header), parameters.get(name)];
  if (inHeader && inParameters !== undefined && inHeader !== inParameters) throw invalidParameter(name);
  const value = inHeader || inParameters;
  if (!value) throw mandatory(name);
  return value;
}

function findOperation(request: WireRequest, parameters: ReadonlyMap<string, string>): Operation {
  const action = named(request, parameters, 'x-acs-action', 'Action');
  const version = named(request, parameters, 'x-acs-version', 'Version');
  if (version !== apiVersion) {
    throw new EiamError(400, 'InvalidVersion', 'Specified parameter Version is not valid.');
  }
  const format = parameters.get('Format') ?? 'JSON';
  if (!/^(json|xml|)$/i.test(format)) throw invalidParameter('Format');
  const operation = operationTable.get(action);
  if (operation === undefined) throw unknownOperation();
  return operation;
}

/** The way of a request: read, authenticate, throttle, look at the role, read the parameters, authorise, answer. */
export class Gateway {
  readonly #app: Application;
  readonly #throttle: Throttle;
  #purgedAt = 0;

  /** @param requestsPerSecond of one access key */
  constructor(app: Application, requestsPerSecond: number) {
    this.#app = app;
    this.#throttle = new Throttle(requestsPerSecond);
  }

  /** @throws EiamError for all that goes wrong. */
  async answer(request: WireRequest, connection: Connection): Promise<Answer> {
    if (request.method !== 'GET' && request.method !== 'POST') {
      throw new EiamError(400, 'UnsupportedHTTPMethod', 'This http method is not supported.');
    }
    const parameters = mergeParameters(request);
    const operation = findOperation(request, parameters);
    const signer = await authenticateSigned(this.#app, request, parameters);
    this.#throttleKey(signer);
    await this.#purgeNowAndThen();
    return this.#call(operation, signer, parameters, connection);
  }

  async #call(
    operation: Operation,
    signer: Signer,
    flat: ReadonlyMap<string, string>,
    connection: Connection,
  ): Promise<Answer> {
    requireBearingRole(signer, operation);
    const parameters = readParameters(operation.parameters, flat);
    const { sourceIp, secureTransport, requestId, origin } = connection;
    authorize(signer, operation, parameters, { sourceIp, secureTransport, now: this.#app.clock.now() });
    const { actor } = signer;
    const instance = parameters['InstanceId'];
    if (typeof instance === 'string' && instance !== actor.tenantId) {
      throw resourceNotFound('Instance', printableName(instance));
    }
    try {
      return await answerOnce(this.#app, actor, operation, parameters, async () =>
        operation.handler({ app: this.#app, actor, parameters, requestId, origin }),
      );
    } catch (error) {
      throw toEiamError(error, operation.subject);
    }
  }

  /** By access key, so that temporary keys do not multiply the rate. */
  #throttleKey({ accessKeyId }: Signer): void {
    const wait = this.#throttle.take(accessKeyId, this.#app.clock.now().getTime());
    if (wait === 0) return;
    throw new EiamError(429, 'Throttling.User', 'Request was denied due to user flow control.', {
      retryAfter: wait,
    });
  }

  async #purgeNowAndThen(): Promise<void> {
    const now = this.#app.clock.now().getTime();
    if (now - this.#purgedAt < purgeEvery) return;
    this.#purgedAt = now;
    await purgeExpiredAccess(this.#app);
  }
}
