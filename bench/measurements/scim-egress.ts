import { join } from 'node:path';
import { writeDirectory } from '../generate/directory.ts';
import { expectCount, Lockstep } from '../programs/lockstep.ts';
import { ScimLoad, type ScimCall } from '../programs/scim-load.ts';
import { startPeer, type ScimServer } from '../programs/scim-server.ts';
import { openPlace, type Stage } from '../stage.ts';
import { seconds, type Line } from '../table.ts';

const mostUsers = 5000;
/** Members in a request. */
const membersAtOnce = 100;

interface Resource {
  readonly id: string;
  readonly members?: readonly { readonly value: string }[];
}

/** In one page: where things were made in the same millisecond, Jackson's pages overlap. */
async function readAll(load: ScimLoad, endpoint: string, wanted: number): Promise<readonly Resource[]> {
  const path = `${endpoint}?startIndex=1&count=${wanted}`;
  const { Resources = [] } = await load.call({ method: 'GET', path });
  if (Resources.length !== wanted)
    throw new Error(`${endpoint} has ${Resources.length} resources instead of ${wanted}`);
  return Resources as readonly Resource[];
}

/** A resource as somebody would send it who makes it anew. */
function creationOf(endpoint: string, resource: Resource): ScimCall {
  const { id: _, members: __, ...body } = resource;
  return { method: 'POST', path: endpoint, body };
}

/** Puts copies of resources into a server. @returns seconds */
async function fill(
  server: ScimServer,
  users: readonly Resource[],
  groups: readonly Resource[],
): Promise<number> {
  const load = new ScimLoad(server);
  const started = performance.now();
  const ids = new Map<string, string>();
  for (const [endpoint, resources] of [
    ['/Users', users],
    ['/Groups', groups],
  ] as const) {
    const made = await load.run(resources.length, (at) => creationOf(endpoint, resources[at] as Resource));
    resources.forEach(({ id }, at) => ids.set(id, made.answers[at]?.id ?? ''));
  }
  const additions = groups.flatMap(({ id, members = [] }) =>
    Array.from({ length: Math.ceil(members.length / membersAtOnce) }, (_, at) => ({
      path: `/Groups/${ids.get(id)}`,
      value: members
        .slice(at * membersAtOnce, (at + 1) * membersAtOnce)
        .map(({ value }) => ({ value: ids.get(value) })),
    })),
  );
  await load.run(additions.length, (at) => ({
    method: 'PATCH',
    path: additions[at]?.path ?? '',
    body: {
      schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'],
      Operations: [{ op: 'add', path: 'members', value: additions[at]?.value }],
    },
  }));
  return (performance.now() - started) / 1000;
}

/** Writing people and groups to a SCIM service, beside a load generator that puts what came of it into another one. */
export async function measureScimEgress(stage: Stage): Promise<Line> {
  const { store, signal } = stage;
  const users = Math.min(mostUsers, stage.users);
  const groups = Math.ceil(users / 50);
  const directory = join(stage.directory, 'scim-egress');
  const ldif = join(stage.directory, 'people.ldif');
  await writeDirectory({ users, groups }, ldif);
  await using opened = new AsyncDisposableStack();
  const written = opened.use(await startPeer('jackson'));
  const { url, token } = written;
  const lockstep = await Lockstep.prepare({
    directory,
    store: await openPlace(store, directory, opened),
    configuration: {
      connections: { people: { type: 'file', path: ldif }, app: { type: 'scim', url, token } },
      syncs: {
        'people-in': { connection: 'people', direction: 'ingress' },
        'app-out': { connection: 'app', direction: 'egress' },
      },
    },
    profile: undefined,
    signal,
  });
  await lockstep.sync('people-in', 'ingress for SCIM');
  const run = await lockstep.sync('app-out', 'egress by SCIM');
  expectCount(run, 'user', 'created', users);
  expectCount(run, 'group', 'created', groups);
  const load = new ScimLoad(written);
  const made = [await readAll(load, '/Users', users), await readAll(load, '/Groups', groups)] as const;
  const filled = await fill(opened.use(await startPeer('jackson')), ...made);
  return {
    what: `Egress by SCIM to Jackson, share of the rate of a bare load generator`,
    ours: seconds(run.jobSeconds),
    yardstick: `load generator: ${seconds(filled)}`,
    ratio: filled / run.jobSeconds,
  };
}
