import type { z } from 'zod';
import { entraIdConnectionSchema } from '@lockstep/contract/connection-configuration.ts';
import { makeEntraConnector } from '../../server/src/connectors/entra/connector.ts';
import type { Completeness, Endpoint, ExternalObject, RawEntry } from '../../server/src/sync/connector.ts';
import { type GraphSimulator, startGraphSimulator } from './graph/simulator.ts';
import { MemoryReplica } from './memory-replica.ts';

/** What a read brought, decoded, by external id. */
export interface ReadResult {
  readonly objects: Readonly<Record<string, ExternalObject>>;
  readonly gone: readonly string[];
  readonly end: Completeness;
}

export interface EntraWorld extends AsyncDisposable {
  readonly graph: GraphSimulator;
  readonly replica: MemoryReplica;
  /** Seconds that the connector waited, in their order; no time passes in these tests. */
  readonly waits: number[];
  /** Called at each wait. */
  onWait: () => void;
  readonly settings: z.output<typeof entraIdConnectionSchema>;
  open(more?: Record<string, unknown>): Promise<Endpoint>;
  read(
    endpoint: Endpoint,
    options?: {
      scopes?: readonly { node: string; filter?: string }[];
      user?: readonly string[];
      group?: readonly string[];
      since?: unknown;
      asTarget?: boolean;
    },
  ): Promise<ReadResult>;
}

/** A simulated tenant and a connector whose waits are over at once. */
export async function makeEntraWorld(
  options: Parameters<typeof startGraphSimulator>[0] = {},
): Promise<EntraWorld> {
  const graph = await startGraphSimulator(options);
  const replica = new MemoryReplica();
  const waits: number[] = [];
  const endpoints: Endpoint[] = [];
  const wait = (seconds: number, signal: AbortSignal): Promise<void> => {
    waits.push(seconds);
    world.onWait();
    signal.throwIfAborted();
    return Promise.resolve();
  };
  const connector = makeEntraConnector({
    // The simulator's quota is not what these tests are about.
    paceFor: () => ({
      take: () => Promise.resolve(),
      penalty: () => undefined,
      // One second for each write.
      secondsFor: (cost) => (typeof cost === 'number' ? cost : (cost['writes'] ?? 0)),
    }),
    wait,
  });
  const settingsWith = (more: Record<string, unknown>) =>
    entraIdConnectionSchema.parse({
      type: 'entra_id',
      tenantId: graph.tenantId,
      clientId: graph.clientId,
      clientSecret: graph.clientSecret,
      graphUrl: graph.graphUrl,
      authorityUrl: graph.authorityUrl,
      caFile: graph.caFile,
      ...more,
    });
  const world: EntraWorld = {
    graph,
    replica,
    waits,
    onWait: () => undefined,
    settings: settingsWith({}),
    async open(more = {}) {
      const context = { baseDirectory: '/', secret: () => undefined, replica };
      const endpoint = await connector.open(settingsWith(more), context);
      endpoints.push(endpoint);
      return endpoint;
    },
    async read(endpoint, { scopes = [{ node: '' }], user = [], group = [], since, asTarget } = {}) {
      const reading = endpoint.read({
        scopes,
        attributes: { user, group, organizationalUnit: [] },
        memberships: true,
        since,
        asTarget,
        signal: new AbortController().signal,
      });
      const entries: RawEntry[] = [];
      let step = await reading.next();
      for (; step.done !== true; step = await reading.next()) entries.push(...step.value);
      const there = entries.filter((entry) => entry.gone !== true);
      return {
        objects: Object.fromEntries(there.map((entry) => [entry.externalId, entry.decode()])),
        gone: entries.filter((entry) => entry.gone === true).map(({ externalId }) => externalId),
        end: step.value,
      };
    },
    async [Symbol.asyncDispose]() {
      for (const endpoint of endpoints) await endpoint[Symbol.asyncDispose]();
      await graph.stop();
    },
  };
  return world;
}
