import { oauthScopes } from '@lockstep/contract/oauth.ts';
import type { PresentedClient } from '../../../app/oauth/clients.ts';
import { isStorableText } from '../../json-body.ts';
import { OauthError } from './oauth-error.ts';

/** Parameters of a query or a form; one that is given twice is refused (RFC 6749 section 3.1). */
export class Parameters {
  readonly #values: URLSearchParams;

  constructor(text: string) {
    this.#values = new URLSearchParams(text);
  }

  /** @throws OauthError invalid_request. */
  find(name: string): string | undefined {
    const values = this.#values.getAll(name);
    if (values.length > 1) throw new OauthError('invalid_request', `${name} is given more than once`);
    const value = values[0];
    if (value !== undefined && !isStorableText(value))
      throw new OauthError('invalid_request', `${name} has characters that are not allowed`);
    // A parameter without a value counts as not given (RFC 6749 section 3.1).
    return value === '' ? undefined : value;
  }

  /** @throws OauthError invalid_request. */
  get(name: string): string {
    const value = this.find(name);
    if (value === undefined) throw new OauthError('invalid_request', `${name} is missing`);
    return value;
  }
}

/**
 * The scopes that are asked for (RFC 6749 section 3.3).
 * @returns undefined when none are named
 * @throws OauthError invalid_scope for one that is not known, or that the client may not have.
 */
export function readScopes(parameters: Parameters, client: PresentedClient): string[] | undefined {
  const text = parameters.find('scope');
  if (text === undefined) return undefined;
  const scopes = [...new Set(text.split(' ').filter((scope) => scope !== ''))];
  const known: readonly string[] = oauthScopes;
  for (const scope of scopes) {
    if (!known.includes(scope)) throw new OauthError('invalid_scope', 'a scope is not known');
    if (!client.scopes.includes(scope))
      throw new OauthError('invalid_scope', `the client may not have ${scope}`);
  }
  if (scopes.length === 0) throw new OauthError('invalid_scope', 'no scope is named');
  return scopes;
}
