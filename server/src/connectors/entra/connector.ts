import type { EntraConnection } from '@lockstep/contract/configuration.ts';
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
import type { Replica } from '../../sync/replica.ts';
import { entraCapabilities } from './capabilities.ts';
import { resolveAddresses } from './config.ts';
import { Domains } from './domains.ts';
import { parseScopeFilter } from './filter/scope-filter.ts';
import { GraphClient } from './graph-client.ts';
import { entraDefaultMapping, entraDefaultMatch } from './mapping.ts';
import { sharedPace } from './pace.ts';
import { testConnection } from './probe.ts';
import { projectObject } from './project.ts';
import { containsNode, everything } from './scopes.ts';
import { readTenant } from './source.ts';
import { EntraTargetSession } from './target.ts';

/** What an installation may provide otherwise. */
export interface EntraParts {
  /** Keeps requests of an application to a tenant below their quotas; shared between processes where it can be. */
  readonly paceFor: (settings: EntraConnection) => Pace;
  readonly wait?: Wait | undefined;
}

const defaultParts: EntraParts = {
  paceFor: ({ tenantId, clientId }) => sharedPace(tenantId, clientId),
};

/** Microsoft Entra ID by Microsoft Graph v1.0, as source and target: docs/connectors/entra.md. */
export function makeEntraConnector(parts: EntraParts = defaultParts): Connector<EntraConnection> {
  return {
    type: 'entra_id',
    defaultMapping: (direction) => entraDefaultMapping(direction),
    defaultMatch: entraDefaultMatch,
    rootNode: () => everything,
    open: (settings, context) => openEndpoint(settings, context, parts),
    test: testConnection,
  };
}

export const entraConnector = makeEntraConnector();

async function openEndpoint(
  settings: EntraConnection,
  context: ConnectorContext,
  { paceFor, wait }: EntraParts,
): Promise<Endpoint> {
  const { replica } = context;
  if (replica === undefined)
    throw new LockstepError('Internal', 'a connection to Entra ID needs a place for its copy of the tenant');
  const graph = await GraphClient.open(settings, context, { pace: paceFor(settings), wait });
  return new EntraEndpoint({ settings, graph, replica, wait });
}

interface EndpointParts {
  readonly settings: EntraConnection;
  readonly graph: GraphClient;
  readonly replica: Replica;
  readonly wait: Wait | undefined;
}

class EntraEndpoint implements Endpoint {
  readonly capabilities = entraCapabilities;
  readonly #parts: EndpointParts;
  readonly #domains: Domains;

  constructor(parts: EndpointParts) {
    this.#parts = parts;
    this.#domains = new Domains(parts.graph, parts.settings.defaultDomain);
  }

  read(request: ReadRequest): AsyncGenerator<readonly RawEntry[], Completeness> {
    const { settings, graph, replica } = this.#parts;
    return readTenant(
      {
        settings,
        graph,
        replica,
        tenant: `${resolveAddresses(settings).graphUrl} ${settings.tenantId}`,
        domains: this.#domains,
      },
      request,
    );
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

  async openTarget(): Promise<TargetSession> {
    const { settings, graph, replica, wait } = this.#parts;
    return Promise.resolve(new EntraTargetSession({ settings, graph, replica }, wait));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#parts.graph[Symbol.asyncDispose]();
  }
}
