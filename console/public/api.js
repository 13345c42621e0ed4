const prefix = '/lockstep/v1';
const tokenKey = 'lockstep-token';

/** A problem document (RFC 9457) as an error. */
export class ApiProblem extends Error {
  /** @param {import('@lockstep/contract/problem.ts').Problem} problem */
  constructor(problem) {
    super(problem.remedy === undefined ? problem.detail : `${problem.detail}. ${problem.remedy}`);
    this.status = problem.status;
    this.code = problem.code;
  }
}

/** Whether an error tells of the request itself, so that asking again later would not help. @param {unknown} error */
export function isRefusal(error) {
  return error instanceof ApiProblem && error.status < 500 && error.status !== 429;
}

/** The token of this tab; it is gone when the tab closes. */
export const token = {
  get: () => sessionStorage.getItem(tokenKey),
  /** @param {string} value */
  set: (value) => sessionStorage.setItem(tokenKey, value),
  clear: () => sessionStorage.removeItem(tokenKey),
};

/**
 * @param {string} path
 * @param {{ method?: string, body?: unknown, headers?: Record<string, string>, signal?: AbortSignal }} [options]
 */
export async function request(path, { method = 'GET', body, headers = {}, signal } = {}) {
  const answer = fetch(`${prefix}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${token.get() ?? ''}`,
      'lockstep-client': 'console',
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    ...(signal === undefined ? {} : { signal }),
  });
  const response = await answer.catch((error) => {
    // Each browser has its own words for it.
    throw error instanceof TypeError ? new Error('the server cannot be reached', { cause: error }) : error;
  });
  if (response.ok) return response;
  const type = response.headers.get('content-type') ?? '';
  throw type.startsWith('application/problem+json')
    ? new ApiProblem(await response.json())
    : new Error(`the server answered with status ${response.status}`);
}

/**
 * @template Result
 * @param {string} path
 * @param {Parameters<typeof request>[1]} [options]
 * @returns {Promise<Result>}
 */
export async function call(path, options) {
  return (await request(path, options)).json();
}

/** @param {Record<string, string | undefined>} parameters */
export function query(parameters) {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) if (value) search.set(name, value);
  return search.size === 0 ? '' : `?${search}`;
}
