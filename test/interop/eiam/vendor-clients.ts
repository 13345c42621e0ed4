import { createRequire } from 'node:module';

export interface Credentials {
  readonly accessKeyId: string;
  readonly accessKeySecret: string;
  readonly securityToken?: string;
}

/** What a vendor's client threw, in one shape. */
export class VendorError extends Error {
  readonly code: string;
  readonly status: number | undefined;
  readonly original: unknown;
  constructor(code: string, status: number | undefined, original: unknown) {
    super(`${code}: ${String(original)}`);
    this.code = code;
    this.status = status;
    this.original = original;
  }
}

type Body = Record<string, unknown>;
/** Calls an operation through one of the vendor's packages. */
export type Call = (action: string, parameters: Body) => Promise<Body>;

// The packages are CommonJS, and their declarations do not say so.
const require = createRequire(import.meta.url);
// What comes with that package.
const fromClient = createRequire(require.resolve('@alicloud/openapi-client'));
interface Loose {
  // oxlint-disable-next-line typescript/no-explicit-any -- the packages' own declarations cannot be used here
  readonly [name: string]: any;
}

function fail(error: unknown): never {
  const { code, statusCode, data } = error as { code?: string; statusCode?: number; data?: Loose };
  throw new VendorError(String(code ?? data?.['Code']), statusCode ?? Number(data?.['statusCode']), error);
}

const parametersOf = (action: string) => ({
  action,
  version: '2021-12-01',
  protocol: 'HTTPS',
  pathname: '/',
  method: 'POST',
  authType: 'AK',
  style: 'RPC',
  reqBodyType: 'formData',
  bodyType: 'json',
});

/** Which part of a request has the parameters: current typed clients use the query, a form works as well. */
type Place = 'query' | 'body';

/** `@alicloud/openapi-core`, beneath the current SDKs; `v2` is what it calls the older signature. */
export function openApiCore(
  endpoint: string,
  credentials: Credentials,
  signature: 'v2' | 'v3',
  place: Place = 'query',
): Call {
  const core = require('@alicloud/openapi-core') as Loose;
  const { RuntimeOptions } = require('@darabonba/typescript') as Loose;
  const { Config, Params, OpenApiRequest } = core['$OpenApiUtil'] as Loose;
  const config = new Config({
    ...credentials,
    endpoint,
    protocol: 'http',
    ...(signature === 'v2' ? { signatureAlgorithm: 'v2' } : {}),
  });
  const client = new core['default'](config);
  return async (action, parameters) => {
    const given = core['OpenApiUtil'].query(parameters);
    const request = new OpenApiRequest({ [place]: given });
    try {
      const answer = await client.callApi(new Params(parametersOf(action)), request, new RuntimeOptions({}));
      return answer.body as Body;
    } catch (error) {
      return fail(error);
    }
  };
}

/** `@alicloud/openapi-client`, of the generation before. */
export function openApiClient(
  endpoint: string,
  credentials: Credentials,
  signature: 'v2' | 'v3',
  place: Place = 'query',
): Call {
  const vendor = require('@alicloud/openapi-client') as Loose;
  const util = fromClient('@alicloud/openapi-util') as Loose;
  const { RuntimeOptions } = fromClient('@alicloud/tea-util') as Loose;
  const config = new vendor['Config']({
    ...credentials,
    endpoint,
    protocol: 'http',
    ...(signature === 'v2' ? { signatureAlgorithm: 'v2' } : {}),
  });
  const client = new vendor['default'](config);
  return async (action, parameters) => {
    const given = util['default'].query(parameters);
    const request = new vendor['OpenApiRequest']({ [place]: given });
    try {
      const params = new vendor['Params'](parametersOf(action));
      const answer = await client.callApi(params, request, new RuntimeOptions({}));
      return answer.body as Body;
    } catch (error) {
      return fail(error);
    }
  };
}

/** Objects at the top are its callers' work: it sends `[object Object]`. */
function flatten(parameters: Body): Body {
  const flat: Body = {};
  for (const [name, value] of Object.entries(parameters)) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) flat[name] = value;
    else {
      for (const [member, inner] of Object.entries(flatten(value as Body))) flat[`${name}.${member}`] = inner;
    }
  }
  return flat;
}

/** `@alicloud/pop-core`, the classic one. */
export function popCore(endpoint: string, credentials: Credentials, method: 'GET' | 'POST'): Call {
  const { RPCClient } = require('@alicloud/pop-core') as Loose;
  const client = new RPCClient({
    ...credentials,
    endpoint: `http://${endpoint}`,
    apiVersion: '2021-12-01',
  });
  return async (action, parameters) => {
    try {
      return (await client.request(action, flatten(parameters), { method })) as Body;
    } catch (error) {
      return fail(error);
    }
  };
}

/** Every client in every way of signing and of sending. */
export function everyClient(endpoint: string, credentials: Credentials): ReadonlyMap<string, Call> {
  return new Map([
    ['openapi-core V3', openApiCore(endpoint, credentials, 'v3')],
    ['openapi-core V3, form', openApiCore(endpoint, credentials, 'v3', 'body')],
    ['openapi-core V1', openApiCore(endpoint, credentials, 'v2')],
    ['openapi-core V1, form', openApiCore(endpoint, credentials, 'v2', 'body')],
    ['openapi-client V3', openApiClient(endpoint, credentials, 'v3')],
    ['openapi-client V3, form', openApiClient(endpoint, credentials, 'v3', 'body')],
    ['openapi-client V1', openApiClient(endpoint, credentials, 'v2')],
    ['openapi-client V1, form', openApiClient(endpoint, credentials, 'v2', 'body')],
    ['pop-core GET', popCore(endpoint, credentials, 'GET')],
    ['pop-core POST', popCore(endpoint, credentials, 'POST')],
  ]);
}
