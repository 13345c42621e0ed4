import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { apiPrefix } from '@lockstep/contract/routes.ts';
import { tokenHash } from '../../../server/src/app/installation.ts';
import { newId } from '../../../server/src/kernel/ids.ts';
import { insertTenant } from '../../../server/src/store/queries/installation.ts';
import { describeOnServerStore } from '../../servers/shared-store.ts';
import { requestsOf, type Request, type Things } from './requests.ts';
import { openRoutes, settle, theirSecret, unknownThings } from './tenants.ts';

/** What two tenants can tell apart: their things by what they are, and nothing that is new in each answer. */
function leveled(text: string, ...tellings: readonly Things[]): string {
  let level = text;
  for (const things of tellings) {
    const longestFirst = Object.entries(things)
      .filter(([, value]) => !/^\d+$/.test(value))
      .toSorted(([, left], [, right]) => right.length - left.length);
    for (const [name, value] of longestFirst) level = level.replaceAll(value, `<${name}>`);
  }
  return level
    .replaceAll(/"(requestId|RequestId)":"[^"]*"/g, '')
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'TIME')
    .replaceAll(/\b[789]0000\d\d\b/g, 'SERIAL');
}

/** Whether who may not call is told that and nothing else, whatever was sent. */
const saysFirst = ({ surface, operation }: Request): boolean =>
  surface !== 'scim' && !operation.endsWith('TestConnectivity');

describeOnServerStore('every route of every API', (makeStore) => {
  test('says of what another tenant has what it says of what never was, and changes nothing of it', async () => {
    await using server = await openRoutes(await makeStore());
    const { things } = await settle(
      server,
      await server.caller(server.app.credentials.tenantId, 'administrator'),
    );
    const tenantId = newId('tenant');
    await insertTenant(server.app.store.db, { id: tenantId, name: 'other' });
    const other = await server.caller(tenantId, 'administrator');
    const native = { surface: 'native', operation: '', reads: false } as const;
    await server.send(other, {
      ...native,
      method: 'PUT',
      path: `${apiPrefix}/connections/hr`,
      body: { type: 'scim_server' },
    });
    const tokens = { ...native, method: 'POST', path: `${apiPrefix}/connections/hr/tokens`, body: {} };
    const scimToken = (JSON.parse((await server.send(other, tokens)).text) as { token: string }).token;
    const before = await server.rows();

    const who = { ...other, scimToken };
    const [never, nothing] = [unknownThings(8_000_000), unknownThings(9_000_000)];
    const [first, unknown, theirs] = [never, nothing, things].map((named) => requestsOf(named, who));
    const told: string[] = [];
    for (const [index, request] of (theirs ?? []).entries()) {
      // What it makes of the caller's own is there already when the two are compared.
      await server.send(who, first?.[index] ?? request);
      const one = await server.send(who, request);
      const another = await server.send(who, unknown?.[index] ?? request);
      const [left, right] = [one, another].map(({ text }) => leveled(text, things, nothing, never));
      const differs =
        one.status !== another.status || (left !== right && (request.reads || one.status >= 400));
      if (differs || one.text.includes(theirSecret) || one.status >= 500)
        told.push(`${request.operation} ${request.path}: ${one.status} ${left} / ${another.status} ${right}`);
    }
    expect(told).toEqual([]);
    const after = await server.rows();
    expect([...before].filter((row) => !after.has(row) && !row.includes(tenantId))).toEqual([]);
  });

  test('changes nothing for a reader, and says so', async () => {
    await using server = await openRoutes(await makeStore());
    const { tenantId } = server.app.credentials;
    const { things } = await settle(server, await server.caller(tenantId, 'administrator'));
    const reader = await server.caller(tenantId, 'reader');
    const before = await server.rows();
    const told: string[] = [];
    for (const request of requestsOf(things, reader)) {
      const { status, text } = await server.send(reader, request);
      const allowed = status !== 403 && status < 500;
      const refused = status >= 400 && status < 500;
      const asExpected = request.reads ? allowed : refused && (!saysFirst(request) || status === 403);
      if (!asExpected) told.push(`${request.operation} ${request.path}: ${status} ${text}`);
      if (request.reads || !saysFirst(request)) continue;
      const nonsense = await server.send(reader, { ...request, body: ['nonsense'] });
      if (nonsense.status !== 403)
        told.push(`${request.operation} with nonsense: ${nonsense.status} ${nonsense.text}`);
    }
    expect(told).toEqual([]);
    expect(await server.rows()).toEqual(before);
  });

  test('lets nobody in whose token is over, or is for something else', async () => {
    await using server = await openRoutes(await makeStore());
    const { tenantId } = server.app.credentials;
    const settled = await settle(server, await server.caller(tenantId, 'administrator'));
    const { db } = server.app.store;
    const [expired, revoked] = [
      await server.caller(tenantId, 'administrator'),
      await server.caller(tenantId, 'administrator'),
    ];
    for (const [token, key, column] of [
      [expired.token, expired.key.id, 'expires_at'],
      [revoked.token, revoked.key.id, 'revoked_at'],
    ] as const) {
      await sql`update api_token set ${sql.ref(column)} = now() where token_hash = ${tokenHash(token)}`.execute(
        db,
      );
      await sql`update access_key set ${sql.ref(column)} = now() where id = ${key}`.execute(db);
    }
    const { scimToken, token, key } = settled.caller;
    const swapped = { ...settled.caller, token: scimToken, scimToken: token, key: { ...key, secret: token } };
    const before = await server.rows();
    const refusals = { native: [401], meraki: [401], authentik: [403], scim: [401], eiam: [400, 404] };
    const told: string[] = [];
    for (const request of requestsOf(settled.things, settled.caller)) {
      for (const who of [expired, revoked, swapped]) {
        const { status, text } = await server.send(who, request);
        if (!refusals[request.surface].includes(status))
          told.push(`${request.operation} ${request.path}: ${status} ${text}`);
      }
    }
    expect(told).toEqual([]);
    expect(await server.rows()).toEqual(before);
  });
});
