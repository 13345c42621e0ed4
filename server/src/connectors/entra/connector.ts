import type { EntraConnection } from '@lockstep/contract/connection-configuration.ts';
import type { ObjectKind } from '@lockstep/contract/vocabulary.ts';
import type { Attributes } from '../../directory/attributes.ts';
import type { Pace } from '../../http-client/pace.ts';
import type { Wait } from '../../http-client/wait.ts';
import { LockstepError } from '../../kernel/errors.ts';
import type {
  Completeness,
  Connector,
  ConnectorContext,
  Endpoint,
  ExternalObject,
  Projected,
  RawEntry,
  ReadRequest,
  TargetSession,
} from '../../sync/connector.ts';
import { entraCapabilities } from './capabilities.ts';
import { resolveAddresses } from './config.ts';
import { Domains } from './domains.ts';
import { parseScopeFilter } from './filter/scope-filter.ts';
import { GraphClient } from './graph-client.ts';
import { entraDefaultMapping, entraDefaultMatch } from './mapping.ts';
import type { OpenTenant } from './open-tenant.ts';
import { sharedPace } from './pace.ts';
import { testConnection } from './probe.ts';
import { projectObject } from './project.ts';
import { containsNode, everything } from './scopes.ts';
import { readTenant } from './source.ts';
import { EntraTargetSession } from './target.ts';

/** What an installation may provide otherwise. */
export interface EntraParts {
  /** Keeps requests of an application to a tenant below their quotas; shared between processes where it can be. */
  readonly paceFor: (settings: EntraConnection, context: ConnectorContext) => Pace;
  readonly wait?: Wait | undefined;
}

const defaultParts: EntraParts = {
  paceFor: ({ tenantId, clientId }, { pace }) => sharedPace(tenantId, clientId, pace),
};

/** Microsoft Entra ID by Microsoft Graph v1.0, as source and target: docs/connectors/entra.md. */
export function makeEntraConnector(parts: EntraParts = defaultParts): Connector<EntraConnection> {
  return {
    type: 'entra_id',
    defaultMapping: (direction) => entraDefaultMapping(direction),
    defaultMatch: entraDefaultMatch,
    rootNode: () => everything,
    tellsAccountState: () => true,
    open: (settings, context) => Promise.resolve(new EntraEndpoint(settings, context, parts)),
    test: testConnection,
  };
}

export const entraConnector = makeEntraConnector();

class EntraEndpoint implements Endpoint {
  readonly capabilities = entraCapabilities;
  readonly #settings: EntraConnection;
  readonly #context: ConnectorContext;
  readonly #parts: EntraParts;
  readonly #domains: Domains;
  #graph: Promise<GraphClient> | undefined;

  constructor(settings: EntraConnection, context: ConnectorContext, parts: EntraParts) {
    this.#settings = settings;
    this.#context = context;
    this.#parts = parts;
    this.#domains = new Domains(settings.defaultDomain);
  }

  /** Credentials are looked at when there is something to ask. */
  async #open(): Promise<OpenTenant> {
    const { replica } = this.#context;
    if (replica === undefined)
      throw new LockstepError('Internal', 'a tenant of Entra ID cannot be read without a place for its copy');
    const { paceFor, wait } = this.#parts;
    const options = { pace: paceFor(this.#settings, this.#context), wait };
    this.#graph ??= GraphClient.open(this.#settings, this.#context, options);
    const tenant = `${resolveAddresses(this.#settings).graphUrl} ${this.#settings.tenantId}`;
    return { settings: this.#settings, graph: await this.#graph, replica, tenant };
  }

  async *read(request: ReadRequest): AsyncGenerator<readonly RawEntry[], Completeness> {
    return yield* readTenant({ ...(await this.#open()), domains: this.#domains }, request);
  }

  project(kind: ObjectKind, attributes: Attributes, existing: ExternalObject | null): Projected {
    if (kind === 'organizationalUnit')
      throw new LockstepError('Internal', 'Entra ID has no organizational units');
    return projectObject(kind, attributes, existing, this.#domains.known);
  }

  sameName(left: string, right: string): boolean {
    return left === right;
  }

  normaliseReference(text: string): string | null {
    const id = text.trim().toLowerCase();
    return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id) ? id : null;
  }

  contains(outerNode: string, innerNode: string): boolean {
    return containsNode(outerNode, innerNode);
  }

  checkFilter(filter: string): void {
    parseScopeFilter(filter);
  }

  async openTarget({ job }: { readonly job: string }): Promise<TargetSession> {
    return new EntraTargetSession(await this.#open(), job, this.#parts.wait);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const graph = await this.#graph?.catch(() => undefined);
    await graph?.[Symbol.asyncDispose]();
  }
}
