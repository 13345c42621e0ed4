import type { EventCallbackConnection } from '@lockstep/contract/connection-configuration.ts';
import type { ObjectKind } from '@lockstep/contract/vocabulary.ts';
import type { Attributes } from '../../directory/attributes.ts';
import type { Wait } from '../../http-client/wait.ts';
import { LockstepError } from '../../kernel/errors.ts';
import type {
  Capabilities,
  Completeness,
  Connector,
  ConnectorContext,
  Endpoint,
  Projected,
  RawEntry,
  ReadRequest,
  TargetSession,
} from '../../sync/connector.ts';
import type { Replica } from '../../sync/replica.ts';
import { openDelivery, type OpenedDelivery } from './config.ts';
import { eventCallbackMapping, eventCallbackMatch } from './mapping.ts';
import { testEventCallback } from './probe.ts';
import { nameOf } from './record.ts';
import { readTold } from './source.ts';
import { TellingSession } from './target.ts';
import { naming } from './vocabulary.ts';

/** @param wait how pauses between tries pass; for tests */
export function makeEventCallbackConnector(wait?: Wait): Connector<EventCallbackConnection> {
  return {
    type: 'event_callback',
    defaultMapping: () => eventCallbackMapping,
    defaultMatch: eventCallbackMatch,
    rootNode: () => '',
    open: (settings, context) => Promise.resolve(new EventCallbackEndpoint(settings, context, wait)),
    test: testEventCallback,
  };
}

/** Applications that are told of changes by signed events, a target: docs/connectors/event-callback.md. */
export const eventCallbackConnector = makeEventCallbackConnector();

class EventCallbackEndpoint implements Endpoint {
  readonly capabilities: Capabilities;
  readonly #settings: EventCallbackConnection;
  readonly #context: ConnectorContext;
  readonly #wait: Wait | undefined;
  #opening: Promise<OpenedDelivery> | undefined;

  constructor(settings: EventCallbackConnection, context: ConnectorContext, wait: Wait | undefined) {
    this.#settings = settings;
    this.#context = context;
    this.#wait = wait;
    this.capabilities = {
      source: false,
      target: true,
      kinds: settings.kinds,
      disable: true,
      moveCarriesChildren: false,
      exports: false,
    };
  }

  get #replica(): Replica {
    const { replica } = this.#context;
    if (replica !== undefined) return replica;
    throw new LockstepError('NotFound', 'the connection is not saved yet');
  }

  read(request: ReadRequest): AsyncGenerator<readonly RawEntry[], Completeness> {
    if (request.asTarget !== true)
      throw new LockstepError(
        'InvalidConfiguration',
        'an event_callback connection is a target: nothing can be read',
        {
          field: 'direction',
          remedy: 'Use direction egress.',
        },
      );
    return readTold(this.#replica, this.#settings.kinds, request);
  }

  project(kind: ObjectKind, attributes: Attributes): Projected {
    const name = nameOf(kind, attributes);
    if (name !== undefined) return { name, attributes };
    throw new LockstepError('RequiredValueMissing', `no value for ${naming[kind]}`, {
      field: naming[kind],
      remedy: `Map a value to ${naming[kind]}.`,
    });
  }

  sameName(left: string, right: string): boolean {
    return left === right;
  }

  normaliseReference(text: string): string | null {
    return text === '' ? null : text;
  }

  /** Nodes are ids of units that the application knows; the empty one is above all. */
  contains(outerNode: string, innerNode: string): boolean {
    return outerNode === '' || outerNode === innerNode;
  }

  openTarget({ job }: { readonly job: string }): Promise<TargetSession> {
    const { concurrency, kinds } = this.#settings;
    const open = async () => (await this.#open()).delivery;
    const tree = kinds.includes('organizationalUnit');
    return Promise.resolve(new TellingSession({ job, replica: this.#replica, open, concurrency, tree }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const opened = await this.#opening?.catch(() => undefined);
    await opened?.[Symbol.asyncDispose]();
  }

  /** A failure is forgotten, so that the next use tries again. */
  #open(): Promise<OpenedDelivery> {
    const options = this.#wait === undefined ? {} : { wait: this.#wait };
    this.#opening ??= openDelivery(this.#settings, this.#context, options).catch((error: unknown) => {
      this.#opening = undefined;
      throw error;
    });
    return this.#opening;
  }
}
