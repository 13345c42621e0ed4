import { scimConnectionSchema } from '@lockstep/contract/connection-configuration.ts';
import { scimConnector } from '../../server/src/connectors/scim/connector.ts';
import type { TargetChange, TargetOutcome } from '../../server/src/sync/connector.ts';
import { startScripted, type Script, type SeenRequest } from './scripted-http.ts';

/** What became of changes. */
export interface Played {
  readonly outcomes: readonly TargetOutcome[];
  /** What was sent to change something, and what was read beside discovery. */
  readonly sent: SeenRequest[];
}

const discovery = ['/ServiceProviderConfig', '/ResourceTypes', '/Schemas'];

/** Writes changes to a service whose answers are scripted; it says nothing of itself but a configuration, if one is given. */
export async function play(
  changes: readonly TargetChange[],
  script: Script,
  {
    recovering = false,
    settings = {},
    configuration,
  }: { recovering?: boolean; settings?: object; configuration?: object } = {},
): Promise<Played> {
  await using server = await startScripted((request) => {
    if (!discovery.includes(request.path)) return script(request);
    return request.path === '/ServiceProviderConfig' && configuration !== undefined
      ? { json: configuration }
      : undefined;
  });
  const parsed = scimConnectionSchema.parse({ type: 'scim', url: server.url, token: 't', ...settings });
  await using endpoint = await scimConnector.open(parsed, { baseDirectory: '/', secret: () => undefined });
  await using session = await endpoint.openTarget({ job: 'job', scopes: [{ node: '' }] });
  const outcomes = await session.apply(changes, { recovering, signal: new AbortController().signal });
  return { outcomes, sent: server.requests.filter(({ path }) => !discovery.includes(path)) };
}

let ordinal = 0;

/** A change of user 1, unless it says otherwise. */
export function change(part: Partial<TargetChange>): TargetChange {
  ordinal += 1;
  return {
    ordinal,
    kind: 'user',
    verb: 'update',
    externalId: part.verb === 'create' ? null : '1',
    location: null,
    parentLocation: null,
    name: null,
    set: {},
    before: {},
    ...part,
  };
}
