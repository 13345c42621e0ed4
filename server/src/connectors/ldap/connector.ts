import type { LdapConnection } from '@lockstep/contract/connection-configuration.ts';
import type { ObjectKind } from '@lockstep/contract/vocabulary.ts';
import type { Attributes } from '../../directory/attributes.ts';
import { closestName } from '../../kernel/closest-name.ts';
import type {
  Capabilities,
  Completeness,
  Connector,
  ConnectorContext,
  Endpoint,
  ExternalObject,
  ObjectKey,
  Projected,
  RawEntry,
  ReadRequest,
  ReadScope,
  TargetSession,
  UnitMove,
  UnknownAttribute,
} from '../../sync/connector.ts';
import { ldapCapabilities } from './capabilities.ts';
import { clientOptions, makeConnect } from './client.ts';
import { baseName, resolveShape } from './config.ts';
import { contains, normaliseReference, sameName } from './location.ts';
import { ldapDefaultMapping, ldapDefaultMatch } from './mapping.ts';
import { testConnection } from './probe.ts';
import { parseFilter } from './protocol/filter/filter.ts';
import { findPresent } from './presence.ts';
import { projectEntry } from './project.ts';
import { readSchema } from './schema.ts';
import { readScopes, type SourceOptions } from './source.ts';
import { LdapTargetSession } from './target.ts';

/** LDAP version 3 (RFC 4510 and following) as source and target: docs/connectors/ldap.md. */
export const ldapConnector: Connector<LdapConnection> = {
  type: 'ldap',
  defaultMapping: (direction, settings) => ldapDefaultMapping(direction, resolveShape(settings)),
  defaultMatch: ldapDefaultMatch,
  rootNode: (settings) => settings.baseDn,
  tellsAccountState: (settings) => resolveShape(settings).disabled !== undefined,
  open: (settings, context) => Promise.resolve(new LdapEndpoint(settings, context)),
  test: testConnection,
};

class LdapEndpoint implements Endpoint {
  readonly capabilities: Capabilities;
  readonly #settings: LdapConnection;
  readonly #context: ConnectorContext;
  readonly #shape: ReturnType<typeof resolveShape>;
  readonly #connect: ReturnType<typeof makeConnect>;

  constructor(settings: LdapConnection, context: ConnectorContext) {
    this.#settings = settings;
    this.#context = context;
    this.#shape = resolveShape(settings);
    this.#connect = makeConnect(settings, context);
    this.capabilities = ldapCapabilities(this.#shape);
  }

  read(request: ReadRequest): AsyncGenerator<readonly RawEntry[], Completeness> {
    return readScopes(this.#sourceOptions(), request);
  }

  findPresent(
    scopes: readonly ReadScope[],
    keys: readonly ObjectKey[],
    signal: AbortSignal,
  ): Promise<readonly ObjectKey[]> {
    return findPresent(this.#sourceOptions(), scopes, keys, signal);
  }

  async findUnknown(names: readonly string[], signal: AbortSignal): Promise<readonly UnknownAttribute[]> {
    await using client = await this.#connect(signal);
    const schema = await readSchema(client, signal);
    return names
      .filter((name) => schema?.knows(baseName(name)) === false)
      .map((name) => ({ name, meant: closestName(baseName(name), schema?.names ?? []) }));
  }

  #sourceOptions(): SourceOptions {
    const { pageSize, referrals } = this.#settings;
    return {
      shape: this.#shape,
      pageSize,
      referrals,
      connect: this.#connect,
      clientOptions: () => clientOptions(this.#settings, this.#context),
    };
  }

  project(kind: ObjectKind, attributes: Attributes, existing: ExternalObject | null): Projected {
    return projectEntry(this.#shape, kind, attributes, existing);
  }

  sameName(left: string, right: string): boolean {
    return sameName(left, right);
  }

  normaliseReference(text: string): string | null {
    return normaliseReference(text);
  }

  contains(outerNode: string, innerNode: string): boolean {
    return contains(outerNode, innerNode);
  }

  checkFilter(filter: string): void {
    parseFilter(filter);
  }

  openTarget(options: {
    readonly job: string;
    readonly scopes: readonly ReadScope[];
    readonly moved?: readonly UnitMove[] | undefined;
  }): Promise<TargetSession> {
    return Promise.resolve(
      new LdapTargetSession(this.#shape, options.scopes, this.#connect, options.moved ?? []),
    );
  }

  /** Each read and each target session closes its own connection. */
  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }
}
