import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import type { Caller } from '../exchange.ts';
import { asStrings, type JsonObject } from '../json.ts';
import { allRoles } from '../permissions.ts';
import type { Tenant } from '../state/tenant.ts';
import type { Application } from './applications.ts';
import { checkAssertion } from './client-assertion.ts';
import { hasSignature, makeJwt, parseJwt } from './jwt.ts';
import { LoginError } from './login-error.ts';

/** Making a key takes a while: one for all authorities of a process. */
let signingKey: KeyObject | undefined;
const keyId = 'simulator-key-1';
const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

/** Why a bearer token is not taken. */
export type TokenProblem = 'missing' | 'malformed' | 'signature' | 'audience' | 'expired';

/** The login authority of one tenant: applications, tokens, and who is behind a token. */
export class Authority {
  readonly applications: Map<string, Application>;
  /** Life of an access token. */
  tokenSeconds: number;
  /** Origins, set when the servers listen. */
  authorityUrl = '';
  graphUrl = '';
  readonly #tenant: Tenant;
  readonly #key: KeyObject;
  /** Tokens issued before this are no longer taken. */
  #revokedBefore = 0;

  constructor(tenant: Tenant, applications: readonly Application[], tokenSeconds: number) {
    this.#tenant = tenant;
    this.applications = new Map(
      applications.map((application) => [application.clientId.toLowerCase(), application]),
    );
    this.tokenSeconds = tokenSeconds;
    signingKey ??= generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
    this.#key = signingKey;
  }

  /** All tokens given so far end: Graph answers 401 to them. */
  revokeTokens(): void {
    this.#revokedBefore = this.#serial + 1;
  }

  /** /{tenant}/v2.0/.well-known/openid-configuration. @throws LoginError AADSTS90002 */
  discovery(tenantName: string): JsonObject {
    this.#checkTenant(tenantName, 'invalid_tenant');
    const base = `${this.authorityUrl}/${tenantName}`;
    const { tenantId } = this.#tenant.settings;
    return {
      token_endpoint: `${base}/oauth2/v2.0/token`,
      token_endpoint_auth_methods_supported: ['client_secret_post', 'private_key_jwt', 'client_secret_basic'],
      jwks_uri: `${base}/discovery/v2.0/keys`,
      response_modes_supported: ['query', 'fragment', 'form_post'],
      subject_types_supported: ['pairwise'],
      id_token_signing_alg_values_supported: ['RS256'],
      response_types_supported: ['code', 'id_token', 'code id_token', 'id_token token'],
      scopes_supported: ['openid', 'profile', 'email', 'offline_access'],
      issuer: `${this.authorityUrl}/${tenantId}/v2.0`,
      request_uri_parameter_supported: false,
      authorization_endpoint: `${base}/oauth2/v2.0/authorize`,
      device_authorization_endpoint: `${base}/oauth2/v2.0/devicecode`,
      end_session_endpoint: `${base}/oauth2/v2.0/logout`,
      tenant_region_scope: 'EU',
      cloud_instance_name: 'microsoftonline.com',
      cloud_graph_host_name: 'graph.windows.net',
      msgraph_host: new URL(this.graphUrl).host,
    };
  }

  /** The public key that tokens are signed with. */
  keys(): JsonObject {
    const jwk = createPublicKey(this.#key).export({ format: 'jwk' });
    return { keys: [{ ...jwk, use: 'sig', alg: 'RS256', kid: keyId, x5t: keyId }] };
  }

  /**
   * POST /{tenant}/oauth2/v2.0/token with the client credentials grant (RFC 6749 section 4.4).
   * @throws LoginError with the AADSTS number
   */
  token(
    tenantName: string,
    form: URLSearchParams,
    basic: { id: string; secret: string } | undefined,
  ): JsonObject {
    this.#checkTenant(tenantName, 'invalid_request');
    const grant = form.get('grant_type');
    if (!grant) throw missing('grant_type');
    if (grant !== 'client_credentials')
      throw new LoginError(
        'unsupported_grant_type',
        70_003,
        `The app requested an unsupported grant type '${grant}'.`,
      );
    const application = this.#application(form.get('client_id') ?? basic?.id);
    this.#authenticate(application, form, basic?.secret, tenantName);
    const audience = this.#audience(form.get('scope'));
    return {
      token_type: 'Bearer',
      expires_in: this.tokenSeconds,
      ext_expires_in: this.tokenSeconds,
      access_token: this.issue(application, audience),
    };
  }

  /** An access token of an application; tests may ask for other audiences and lives. */
  issue(application: Application, audience = this.graphUrl, seconds = this.tokenSeconds): string {
    const now = Math.floor(this.#tenant.settings.now() / 1000);
    const { tenantId } = this.#tenant.settings;
    const payload = {
      aud: audience,
      iss: `https://sts.windows.net/${tenantId}/`,
      iat: now,
      nbf: now,
      exp: now + seconds,
      appid: application.clientId,
      app_displayname: application.displayName ?? 'Simulated application',
      idtyp: 'app',
      roles: application.roles ?? allRoles,
      tid: tenantId,
      uti: String((this.#serial += 1)),
      ver: '1.0',
    };
    return makeJwt({ kid: keyId, x5t: keyId }, payload, this.#key);
  }
  #serial = 0;

  /** Who a bearer token is of, or why it is not taken. */
  identify(header: string | undefined): Caller | TokenProblem {
    const text = /^Bearer\s+(\S+)$/i.exec(header ?? '')?.[1];
    if (text === undefined) return 'missing';
    const jwt = parseJwt(text);
    if (!jwt) return 'malformed';
    if (!hasSignature(jwt, createPublicKey(this.#key))) return 'signature';
    const { aud, exp, appid, roles, uti } = jwt.payload;
    if (!this.#audiences().includes(String(aud))) return 'audience';
    const expired = Number(exp) * 1000 <= this.#tenant.settings.now();
    if (expired || Number(uti) < this.#revokedBefore) return 'expired';
    return { clientId: String(appid), roles: asStrings(roles) ?? [] };
  }

  #audiences(): string[] {
    return [this.graphUrl, 'https://graph.microsoft.com', '00000003-0000-0000-c000-000000000000'];
  }

  #checkTenant(name: string, error: 'invalid_tenant' | 'invalid_request'): void {
    const { tenantId, domains } = this.#tenant.settings;
    if ([tenantId, ...domains.map((domain) => domain.name)].includes(name.toLowerCase())) return;
    throw new LoginError(
      error,
      90_002,
      `Tenant '${name}' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud.`,
    );
  }

  #application(clientId: string | undefined): Application {
    if (!clientId) throw missing('client_id');
    const application = this.applications.get(clientId.toLowerCase());
    const { displayName } = this.#tenant.settings;
    if (!application)
      throw new LoginError(
        'unauthorized_client',
        700_016,
        `Application with identifier '${clientId}' was not found in the directory '${displayName}'.`,
      );
    if (application.disabled)
      throw new LoginError('unauthorized_client', 7_000_112, `Application '${clientId}' is disabled.`);
    return application;
  }

  #authenticate(
    application: Application,
    form: URLSearchParams,
    basicSecret: string | undefined,
    tenantName: string,
  ): void {
    const assertion = form.get('client_assertion');
    if (assertion !== null) {
      if (form.get('client_assertion_type') !== assertionType) throw missing('client_assertion_type');
      const { tenantId } = this.#tenant.settings;
      const audiences = [tenantName, tenantId].flatMap((name) => [
        `${this.authorityUrl}/${name}/oauth2/v2.0/token`,
        `${this.authorityUrl}/${name}/v2.0`,
      ]);
      return checkAssertion(application, assertion, { audiences, now: this.#tenant.settings.now() });
    }
    this.#checkSecret(application, form.get('client_secret') ?? basicSecret);
  }

  #checkSecret(application: Application, given: string | undefined): void {
    const { clientId } = application;
    if (!given)
      throw new LoginError(
        'invalid_client',
        7_000_216,
        "'client_assertion', 'client_secret' or 'request' is required for the 'client_credentials' grant type.",
      );
    const secret = (application.secrets ?? []).find(({ value }) => value === given);
    if (!secret)
      throw new LoginError(
        'invalid_client',
        7_000_215,
        `Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '${clientId}'.`,
      );
    if (secret.expires !== undefined && Date.parse(secret.expires) < this.#tenant.settings.now())
      throw new LoginError(
        'invalid_client',
        7_000_222,
        `The provided client secret keys for app '${clientId}' are expired. Visit the Azure portal to create new keys for your app.`,
      );
  }

  /** The resource of `{resource}/.default`: Graph by its own name, or by where the simulator is. */
  #audience(scope: string | null): string {
    if (!scope) throw missing('scope');
    const resource = /^(.+)\/\.default$/.exec(scope)?.[1];
    if (resource === undefined)
      throw new LoginError(
        'invalid_scope',
        1_002_012,
        `The provided value for scope ${scope} is not valid. Client credential flows must have a scope value with /.default suffixed to the resource identifier (application ID URI).`,
      );
    if (!this.#audiences().includes(resource.replace(/\/$/, '')))
      throw new LoginError(
        'invalid_resource',
        500_011,
        `The resource principal named ${resource} was not found in the tenant named ${this.#tenant.settings.displayName}.`,
      );
    return resource.replace(/\/$/, '');
  }
}

const missing = (field: string): LoginError =>
  new LoginError(
    'invalid_request',
    900_144,
    `The request body must contain the following parameter: '${field}'.`,
  );
