import { join } from 'node:path';
import { ScimLoad } from '../programs/scim-load.ts';
import { startLockstepScim, startPeer, type ScimServer } from '../programs/scim-server.ts';
import { openPlace, type Stage } from '../stage.ts';
import { count, perSecond, type Line } from '../table.ts';

const userUrn = 'urn:ietf:params:scim:schemas:core:2.0:User';
const groupUrn = 'urn:ietf:params:scim:schemas:core:2.0:Group';
const patchUrn = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';

/** Users that are made before anything else is measured, and requests of each other kind. */
const mostUsers = 5000;
const mostMembers = 50_000;
const groupPatches = 400;
/** So long the members of a large group are measured at most: some servers take seconds for each. */
const longest = 15;
/** Members that one request adds while the large group is filled. */
const chunk = 1000;

type Rates = Readonly<Record<'create' | 'find' | 'patch' | 'member', number>>;

const nameOf = (at: number) => `User${at}.Bench@example.com`;

function userOf(at: number): object {
  return {
    schemas: [userUrn],
    userName: nameOf(at),
    externalId: `e${at}`,
    active: true,
    displayName: `User ${at}`,
    name: { givenName: 'User', familyName: String(at) },
    emails: [{ value: nameOf(at), type: 'work', primary: true }],
  };
}

const patchOf = (...operations: object[]) => ({ schemas: [patchUrn], Operations: operations });

/** Any order will do, as long as it is always the same and jumps about. */
const scattered = (at: number, of: number) => (at * 7919) % of;

const member = (value: string) => ({ value });

/** Makes a group of many, at once where a server takes so large a request, else by and by. */
async function makeGroup(load: ScimLoad, server: ScimServer, ids: readonly string[]): Promise<string> {
  const group = { schemas: [groupUrn], displayName: 'Everybody' };
  const atOnce = server.takesLargeRequests ? ids.length : 0;
  const { id } = await load.call({
    method: 'POST',
    path: '/Groups',
    body: { ...group, members: ids.slice(0, atOnce).map(member) },
  });
  for (let from = atOnce; from < ids.length; from += chunk) {
    const value = ids.slice(from, from + chunk).map(member);
    await load.call({
      method: 'PATCH',
      path: `/Groups/${id}`,
      body: patchOf({ op: 'add', path: 'members', value }),
    });
  }
  return id ?? '';
}

async function measureServer(server: ScimServer, users: number, members: number): Promise<Rates> {
  const load = new ScimLoad(server);
  const made = await load.run(users, (at) => ({ method: 'POST', path: '/Users', body: userOf(at) }));
  const ids = made.answers.map(({ id }) => id ?? '');
  const found = await load.run(users, (at) => {
    const name = nameOf(scattered(at, users));
    return { method: 'GET', path: `/Users?filter=${encodeURIComponent(`userName eq "${name}"`)}` };
  });
  if (found.answers.some(({ Resources }) => Resources?.length !== 1)) throw new Error('a user was not found');
  const patched = await load.run(users, (at) => ({
    method: 'PATCH',
    path: `/Users/${ids[scattered(at, users)]}`,
    body: patchOf({ op: 'replace', path: 'title', value: `Title ${at}` }),
  }));
  const others = await load.run(Math.max(0, members - users), (at) => ({
    method: 'POST',
    path: '/Users',
    body: userOf(users + at),
  }));
  const all = [...ids, ...others.answers.map(({ id }) => id ?? '')].slice(0, members);
  const group = await makeGroup(load, server, all.slice(groupPatches));
  const join = (at: number) => ({
    method: 'PATCH' as const,
    path: `/Groups/${group}`,
    body: patchOf({ op: 'add', path: 'members', value: [{ value: all[at] }] }),
  });
  const joined = await load.run(groupPatches, join, longest);
  return {
    create: made.perSecond,
    find: found.perSecond,
    patch: patched.perSecond,
    member: joined.perSecond,
  };
}

async function measurePeer(name: 'jackson' | 'scimmy', users: number, members: number): Promise<Rates> {
  await using server = await startPeer(name);
  // Awaited here: the server stops when this function is left.
  return await measureServer(server, users, members);
}

/** Requests a second of the SCIM server, beside two others, which keep everything in memory. */
export async function measureScimServer(stage: Stage): Promise<Line[]> {
  const users = Math.min(mostUsers, stage.users);
  const members = Math.min(mostMembers, stage.users);
  const directory = join(stage.directory, 'scim');
  await using opened = new AsyncDisposableStack();
  const store = await openPlace(stage.store, directory, opened);
  const lockstep = opened.use(await startLockstepScim(store, directory, stage.signal));
  const ours = await measureServer(lockstep, users, members);
  const jackson = await measurePeer('jackson', users, members);
  const scimmy = await measurePeer('scimmy', users, members);
  const line = (what: string, of: keyof Rates): Line => ({
    what: `SCIM server, ${what}, requests per second`,
    ours: perSecond(ours[of]),
    yardstick: `Jackson: ${perSecond(jackson[of])}, scimmy-routers: ${perSecond(scimmy[of])}`,
    ratio: ours[of] / Math.max(jackson[of], scimmy[of]),
  });
  return [
    line('POST of a user', 'create'),
    line('userName eq', 'find'),
    line('PATCH of a user', 'patch'),
    line(`PATCH of one member of ${count(members)}`, 'member'),
  ];
}
