import type { ScimConnection } from '@lockstep/contract/connection-configuration.ts';
import type { ObjectKind } from '@lockstep/contract/vocabulary.ts';
import type { Attributes } from '../../directory/attributes.ts';
import { LockstepError } from '../../kernel/errors.ts';
import { parseFilter } from '../../scim/filter/parse.ts';
import type {
  Capabilities,
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
import { scimCapabilities } from './capabilities.ts';
import type { ScimClient } from './client.ts';
import { makeScimClient } from './config.ts';
import { discover, unknownService, type ServiceDescription } from './discovery.ts';
import { Gate } from './gate.ts';
import { scimDefaultMapping, scimDefaultMatch } from './mapping.ts';
import { sameName, type ScimKind } from './naming.ts';
import { testScimConnection } from './probe.ts';
import { profileOf, type Profile } from './profiles.ts';
import { projectResource } from './project.ts';
import { readService } from './source.ts';
import { ScimTargetSession } from './target.ts';
import { waysOf, type Ways } from './writing.ts';

/** SCIM 2.0 (RFC 7643, RFC 7644) as target, and as source by full lists: docs/connectors/scim.md. */
export const scimConnector: Connector<ScimConnection> = {
  type: 'scim',
  defaultMapping: (direction) => scimDefaultMapping(direction),
  defaultMatch: scimDefaultMatch,
  rootNode: () => '',
  tellsAccountState: () => true,
  open: (settings, context) => Promise.resolve(new ScimEndpoint(settings, context)),
  test: testScimConnection,
};

/** What is known once the service was asked. */
interface Known {
  readonly client: ScimClient;
  readonly service: ServiceDescription;
  readonly ways: Ways;
}

class ScimEndpoint implements Endpoint {
  readonly capabilities: Capabilities;
  readonly #settings: ScimConnection;
  readonly #context: ConnectorContext;
  readonly #profile: Profile;
  readonly #gate: Gate;
  #opening: Promise<Known> | undefined;
  #service: ServiceDescription = unknownService;

  constructor(settings: ScimConnection, context: ConnectorContext) {
    this.#settings = settings;
    this.#context = context;
    this.#profile = profileOf(settings);
    this.#gate = new Gate(settings.concurrency);
    this.capabilities = scimCapabilities(this.#hasGroups);
  }

  get #hasGroups(): boolean {
    return this.#settings.groups && this.#profile.groups;
  }

  async *read(request: ReadRequest): AsyncGenerator<readonly RawEntry[], Completeness> {
    for (const { node } of request.scopes) requireRoot(node);
    const { client, service } = await this.#know(request.signal);
    const kinds: ScimKind[] = this.#hasGroups && !service.withoutGroups ? ['user', 'group'] : ['user'];
    return yield* readService(
      {
        client,
        service,
        profile: this.#profile,
        pageSize: this.#pageSize(service),
        concurrency: this.#gate.width,
        warnings: [],
      },
      kinds,
      request,
    );
  }

  /** By what the service told when it was read; nothing is projected before that. */
  project(kind: ObjectKind, attributes: Attributes, existing: ExternalObject | null): Projected {
    if (kind === 'organizationalUnit') return { name: '', attributes: {} };
    return projectResource(kind, attributes, existing, {
      shape: this.#service.shapes[kind],
      profile: this.#profile,
    });
  }

  sameName(left: string, right: string): boolean {
    return sameName(left, right);
  }

  normaliseReference(text: string): string | null {
    return text === '' ? null : text;
  }

  /** There is one node: everything. */
  contains(): boolean {
    return true;
  }

  checkFilter(filter: string): void {
    parseFilter(filter);
  }

  openTarget(): Promise<TargetSession> {
    const open = async (signal: AbortSignal) => {
      const { client, service, ways } = await this.#know(signal);
      const pageSize = this.#pageSize(service);
      return { client, service, ways, profile: this.#profile, gate: this.#gate, pageSize };
    };
    return Promise.resolve(new ScimTargetSession(open));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const known = await this.#opening?.catch(() => undefined);
    await known?.client[Symbol.asyncDispose]();
  }

  #pageSize({ maxResults = Infinity }: ServiceDescription): number {
    return Math.min(this.#settings.pageSize, maxResults, this.#profile.maxPageSize ?? Infinity);
  }

  /** Asked once; a failure is forgotten, so that the next use asks again. */
  #know(signal: AbortSignal): Promise<Known> {
    this.#opening ??= this.#connect(signal).catch((error: unknown) => {
      this.#opening = undefined;
      throw error;
    });
    return this.#opening;
  }

  async #connect(signal: AbortSignal): Promise<Known> {
    const client = await makeScimClient(this.#settings, this.#context, () => this.#gate.narrow());
    try {
      const service = await discover(client, signal);
      this.#service = service;
      return { client, service, ways: waysOf(service, this.#profile) };
    } catch (error) {
      await client[Symbol.asyncDispose]();
      throw error;
    }
  }
}

function requireRoot(node: string): void {
  if (node === '') return;
  throw new LockstepError(
    'InvalidConfiguration',
    `a SCIM service has no tree: ${JSON.stringify(node)} is no node of it`,
    {
      field: 'scopes',
      remedy: 'Leave scopes out, or give the empty text for the side of the service.',
    },
  );
}
