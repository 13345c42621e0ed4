import { Agent, request } from 'node:http';
import { expect, test } from 'vitest';
import type { Operation } from '../../../server/src/http/surfaces/authentik/operation.ts';
import { operationTable } from '../../../server/src/http/surfaces/authentik/operation-table.ts';
import { describeOnServerStore } from '../../servers/shared-store.ts';
import facts from './answer-facts.json' with { type: 'json' };
import { serveAuthentik, type AuthentikApi } from './authentik-api.ts';
import { findDeviations } from './deviations.ts';

type Document = Record<string, unknown>;

/** The same numbers for the same seed. */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    // The low bits of such a generator repeat soon.
    return Math.floor((state / 2 ** 32) * below);
  };
}

const oddSegments = [
  '0',
  '-1',
  '1.5',
  '1e3',
  '9'.repeat(40),
  'x',
  '%00',
  '%ff',
  '%zz',
  '%f0%9f%98%80',
  '..%2f..%2f1',
  '%2e%2e%2fusers',
  '..',
  "1'%20or%20'1'='1",
  '__proto__',
  '6b1b7b3e-0000-4000-8000-000000000000',
  'ffffffff-ffff-ffff-ffff-ffffffffffff',
  'a'.repeat(3000),
];
const oddTexts = [
  '',
  '0',
  '-1',
  '1e9',
  'NaN',
  '9'.repeat(40),
  'a'.repeat(3000),
  '%00',
  '%ff',
  '%f0',
  '%25',
  '%5c',
  '[]',
  '{}',
  '{"a":{"b":[null]}}',
  '{"a":"%5cu0000"}',
  '{"__proto__":["x"]}',
  'true',
  'last',
  '2026-99-99',
  '1970-01-01T00:00:00%2B00:00',
  '-name,-pk,nonsense',
  '%27;--',
  '%f0%9f%98%80',
];
const oddValues: unknown[] = [
  null,
  true,
  0,
  -1,
  1.5,
  2 ** 60,
  '',
  ' ',
  'x',
  '\u202E',
  '9'.repeat(40),
  'x'.repeat(9000),
  [],
  [null],
  [[[]]],
  ['6b1b7b3e-0000-4000-8000-000000000000'],
  {},
  { constructor: { prototype: 1 } },
  '6b1b7b3e-0000-4000-8000-000000000000',
  'ldap://x',
  'http://[::1',
  '* * 31 2 *',
  'source.name +',
];
/** Bodies that are no document, or a bad one, whatever the operation. */
const oddBodies: (string | Uint8Array)[] = [
  '',
  '{',
  'null',
  '[]',
  '"x"',
  '0',
  '{}',
  '{"name":"a","name":["b"]}',
  '{"name":"\\u0000"}',
  '{"name":"\\ud800"}',
  '{"__proto__":{"name":"x"}}',
  `${'{"a":'.repeat(500)}1${'}'.repeat(500)}`,
  '['.repeat(20_000),
  JSON.stringify({ name: 'x'.repeat(2_000_000) }),
  Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d]),
  Buffer.from([0xef, 0xbb, 0xbf, 0x7b, 0x7d]),
];
const parameters =
  'page page_size ordering search name url expression managed pm_uuid filter_group delegated_subject username uuid ' +
  'attributes email type path path_startswith groups_by_pk groups_by_name members_by_pk members_by_username is_active ' +
  'is_superuser include_users include_groups date_joined last_updated__gt last_login__isnull provider__id user__id ' +
  'user__username group__name group__group_uuid exclude_users_service_account status uid actor_name aggregated_status ' +
  'state rel_obj_id rel_obj_id__isnull paused queue_name managed__isnull';

interface Answer {
  readonly status: number;
  readonly text: string;
}

const agent = new Agent({ keepAlive: true, maxSockets: 8 });

/** Sends bytes as they are: no client in between mends the address. */
async function sendRaw(
  api: AuthentikApi,
  method: string,
  path: string,
  body?: string | Uint8Array,
): Promise<Answer> {
  const { hostname, port } = new URL(api.url);
  const headers: Record<string, string | number> = {
    authorization: `Bearer ${api.client.app.credentials.apiToken}`,
    ...(body === undefined
      ? {}
      : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }),
  };
  return new Promise((resolve, reject) => {
    const sent = request({ agent, hostname, port, method, path: `/api/v3${path}`, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() }),
      );
      response.on('error', reject);
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

function isDetail(body: unknown): boolean {
  const { detail, ...rest } = body as Document;
  return typeof detail === 'string' && detail !== '' && Object.keys(rest).length === 0;
}

/** Messages by member, or what is wrong with the body as a whole. */
function isInvalid(body: unknown): boolean {
  if (isDetail(body)) return true;
  const lists = Object.values(body as Document);
  return (
    lists.length > 0 &&
    lists.every(
      (list) => Array.isArray(list) && list.length > 0 && list.every((one) => typeof one === 'string'),
    )
  );
}

/** What is wrong with an answer, whatever was asked. */
function faultOf(method: string, path: string, { status, text }: Answer): string | undefined {
  let body: unknown;
  try {
    body = text === '' ? undefined : JSON.parse(text);
  } catch {
    return `no JSON: ${text.slice(0, 200)}`;
  }
  if (status >= 200 && status < 300) {
    const [pathname = ''] = path.split('?');
    return findDeviations(method, pathname, status, body).join('; ') || undefined;
  }
  const isRight =
    status === 400 ? isInvalid(body) : [403, 404, 405, 413, 415].includes(status) && isDetail(body);
  return isRight ? undefined : `${status} ${text.slice(0, 300)}`;
}

/** Names of the members that the documents tell of an operation's answer, which are those of its request as well. */
function membersOf(operation: Operation): string[] {
  const names = Object.values(facts).flatMap(({ operations, schemas }) => {
    const shape = (operations as Record<string, { body: unknown }>)[`${operation.method} ${operation.path}`];
    const name = typeof shape?.body === 'string' ? shape.body.slice(1) : '';
    return Object.keys((schemas as Record<string, object>)[name] ?? {});
  });
  const more = ['sync_object_model', 'sync_object_id', 'override_dry_run', 'crontab', 'paused', 'context'];
  return [
    ...new Set([...names.map((name) => name.replace('*', '')), ...more, 'client_secret', 'credentials']),
  ];
}

const validBodies: Readonly<Record<string, Document>> = {
  '/providers/microsoft_entra/': { name: 'e', client_id: 'c', client_secret: 's', tenant_id: 't' },
  '/providers/google_workspace/': {
    name: 'g',
    delegated_subject: 'a@b.example',
    credentials: {},
    default_group_email_domain: 'b.example',
  },
  '/providers/scim/': { name: 's', url: 'http://127.0.0.1:9/scim', token: 't' },
  '/propertymappings/provider/microsoft_entra/': {
    name: 'pe',
    expression: '{"displayName": source.displayName}',
  },
  '/propertymappings/provider/google_workspace/': { name: 'pg', expression: '{"a": source.name}' },
  '/propertymappings/provider/scim/': { name: 'ps', expression: '{"userName": source.username}' },
};

/** One of everything, and the ids by which operations name it. */
async function furnish(api: AuthentikApi): Promise<ReadonlyMap<string, string>> {
  const ids = new Map<string, string>();
  for (const [path, body] of Object.entries(validBodies)) {
    const made = await api.expectStatus(201, 'POST', path, body);
    ids.set(path, String(made['pk']));
  }
  const user = await api.client.json<{ serial: number }>('POST', '/directory/users', {
    name: 'ada',
    attributes: { displayName: ['Ada'], mail: ['ada@example.com'] },
  });
  await api.client.json('POST', '/directory/groups', { name: 'staff' });
  const groups = (await api.expectStatus(200, 'GET', '/core/groups/')) as { results: { pk: string }[] };
  for (const [family, id] of [
    ['microsoft_entra', 'microsoft_id'],
    ['google_workspace', 'google_id'],
    ['scim', 'scim_id'],
  ] as const) {
    const provider = Number(ids.get(`/providers/${family}/`));
    for (const [kind, of] of [
      ['user', user.serial],
      ['group', groups.results[0]?.pk],
    ] as const) {
      const path = `/providers/${family}_${kind}s/`;
      const made = await api.expectStatus(201, 'POST', path, { [id]: 'x', [kind]: of, provider });
      ids.set(path, String(made['id']));
    }
  }
  await api.runJobs();
  const newest = async (path: string, member: string): Promise<void> => {
    const { results } = (await api.expectStatus(200, 'GET', path)) as { results: Document[] };
    ids.set(path, String(results[0]?.[member]));
  };
  await newest('/tasks/tasks/', 'message_id');
  await newest('/tasks/schedules/', 'id');
  await newest('/events/system_tasks/', 'uuid');
  await newest('/propertymappings/all/', 'pk');
  return ids;
}

const rounds = 26;

describeOnServerStore('odd requests of the authentik API', (makeStore) => {
  test('each operation answers them in its dialect, and none is a defect', { timeout: 60_000 }, async () => {
    await using api = await serveAuthentik(await makeStore());
    const ids = await furnish(api);
    const below = numbers(7);
    const pick = <T>(list: readonly T[]): T => list[below(list.length)] as T;
    const idOf = (path: string): string => {
      const [at = ''] = path.split('{');
      return ids.get(at) ?? 'contoso';
    };
    const queryFor = (): string => {
      const names = Array.from({ length: 1 + below(3) }, () => pick(parameters.split(' ')));
      return names.map((name) => `${name}=${pick(oddTexts)}`).join('&');
    };
    const bodyFor = (operation: Operation): string | Uint8Array => {
      if (below(3) === 0) return pick(oddBodies);
      const [at = ''] = operation.path.split('{');
      const body: Document = { ...validBodies[at] };
      const names = membersOf(operation);
      for (let count = 1 + below(3); count > 0; count -= 1) body[pick(names)] = pick(oddValues);
      return JSON.stringify(body);
    };
    const faults: string[] = [];
    let sent = 0;
    const ask = async (operation: Operation): Promise<void> => {
      const id = below(2) === 0 ? idOf(operation.path) : pick(oddSegments);
      const query = below(2) === 0 ? `?${queryFor()}` : '';
      const path = `${operation.path.replace(/\{\w+\}/, id)}${query}`;
      const hasBody = operation.method !== 'GET' && below(8) > 0;
      const body = hasBody ? bodyFor(operation) : undefined;
      sent += 1;
      const answer = await sendRaw(api, operation.method, path, body);
      const fault = faultOf(operation.method, path, answer);
      const shown = body === undefined ? '' : Buffer.from(body).toString().slice(0, 200);
      if (fault !== undefined) faults.push(`${operation.name} ${path.slice(0, 300)} ${shown}: ${fault}`);
    };
    // What deletes comes last, so that the others find what they name.
    const tables = [
      operationTable.filter(({ method }) => method !== 'DELETE'),
      operationTable.filter(({ method }) => method === 'DELETE'),
    ];
    for (const table of tables) {
      for (let round = 0; round < rounds; round += 1)
        await api.whileWorking(Promise.all(table.map(async (operation) => ask(operation))));
    }
    expect(faults).toEqual([]);
    expect(sent).toBe(rounds * operationTable.length);
    expect((await api.send('GET', '/core/users/')).status).toBe(200);
  });
});
