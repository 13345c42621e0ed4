import { sql } from 'kysely';
import { expect, test } from 'vitest';
import type { ChangeView } from '@lockstep/contract/change.ts';
import type { DirectoryObject, DirectoryObjectDetail } from '@lockstep/contract/directoryObject.ts';
import type { JobEvent } from '@lockstep/contract/events.ts';
import type { JobView } from '@lockstep/contract/job.ts';
import type { Page } from '@lockstep/contract/page.ts';
import { expectProblem, serveApplication, type ApiClient } from '../../../test/servers/api-client.ts';
import { openIdleApplication } from '../../../test/servers/application.ts';
import { describeOnSharedStores } from '../../../test/servers/shared-store.ts';
import type { Store } from '../store/store.ts';

/** A job in the midst of its work, as a worker would leave it, over a small directory. */
async function seed(client: ApiClient): Promise<{ job: JobView; serial: number }> {
  await client.json('PUT', '/connections/source', { type: 'file', path: 'in.ldif', baseDn: 'dc=example' });
  await client.json('PUT', '/syncs/in', { connection: 'source', direction: 'ingress' });
  const { job } = await client.json<{ job: JobView }>('POST', '/syncs/in/jobs', {});
  const { db } = client.app.store;
  const tenant = client.app.credentials.tenantId;
  await sql`
    insert into organizational_unit (id, tenant_id, parent_id, name, name_key, attributes, revision) values
    ('ou_a', ${tenant}, null, 'Sales', 'sales', '{}', 1), ('ou_b', ${tenant}, 'ou_a', 'A/B', 'a/b', '{}', 1)`.execute(
    db,
  );
  await sql`
    insert into directory_user (id, tenant_id, parent_id, username, username_key, attributes, revision) values
    ('user_1', ${tenant}, 'ou_b', 'JDoe', 'jdoe', '{"mail": ["j@example.org"], "title": ["Boss"]}', 1),
    ('user_2', ${tenant}, null, 'amy', 'amy', '{}', 1)`.execute(db);
  await sql`
    insert into directory_group (id, tenant_id, parent_id, name, name_key, attributes, revision)
    values ('group_1', ${tenant}, null, 'admins', 'admins', '{}', 1)`.execute(db);
  await sql`
    insert into membership (group_id, member_id, tenant_id, member_kind, revision)
    values ('group_1', 'user_1', ${tenant}, 'user', 1)`.execute(db);
  const serial = job.serial;
  const links = sql`select serial from sync where name = 'in'`;
  await sql`
    insert into link (sync_serial, kind, external_id, object_id, location) values
    ((${links}), 'user', 'u1', 'user_1', 'uid=jdoe'), ((${links}), 'user', 'u2', 'user_2', 'uid=amy'),
    ((${links}), 'organizationalUnit', 'o1', 'ou_a', 'ou=Sales')`.execute(db);
  await sql`
    insert into membership_link (sync_serial, group_id, reference, member_id)
    values ((${links}), 'group_1', 'uid=jdoe', 'user_1')`.execute(db);
  await sql`
    update job set status = 'running', phase = 'apply', started_at = now(), read_count = 4, last_ordinal = 4,
      applied_ordinal = 3, same_counts = '{"user": 1}' where serial = ${serial}`.execute(db);
  await sql`
    insert into change (job_serial, ordinal, kind, verb, object_id, external_id, label, member_id, member_kind, before, after,
      result, error_code, error_message) values
    (${serial}, 1, 'user', 'move', 'user_1', 'u1', 'JDoe', null, null, '{"$parent": [""]}', '{"$parent": ["ou_b"]}', null, null, null),
    (${serial}, 2, 'user', 'create', null, 'u3', 'dup', null, null, null, '{"mail": ["x@example.org"]}', 'failed', 'UsernameTaken', 'the user name dup is taken'),
    (${serial}, 3, 'membership', 'addMember', 'group_1', null, 'admins < JDoe', 'user_1', 'user', null, null, null, null, null),
    (${serial}, 4, 'user', 'delete', 'user_9', 'u9', 'old', null, null, '{"$parent": [""]}', null, null, null, null)`.execute(
    db,
  );
  await say(client.app.store, serial, 'reading');
  return { job, serial };
}

async function say(store: Store, serial: number, text: string): Promise<void> {
  await sql`insert into job_message (job_serial, level, text) values (${serial}, 'info', ${text})`.execute(
    store.db,
  );
}

async function endJob(store: Store, serial: number): Promise<void> {
  await say(store, serial, 'done');
  await sql`
    update job set status = 'partial_success', phase = 'over', applied_ordinal = 4, ended_at = now()
    where serial = ${serial}`.execute(store.db);
}

/** Reads events until `last` says so, then hangs up. */
async function follow(
  client: ApiClient,
  jobId: string,
  lastEventId: string | undefined,
  last: (event: JobEvent) => boolean | Promise<boolean>,
): Promise<JobEvent[]> {
  const headers: Record<string, string> = lastEventId === undefined ? {} : { 'last-event-id': lastEventId };
  const response = await client.send('GET', `/jobs/${jobId}/events`, undefined, headers);
  expect(response.headers.get('content-type')).toBe('text/event-stream');
  const events: JobEvent[] = [];
  let rest = '';
  for await (const part of response.body ?? []) {
    const blocks = (rest + Buffer.from(part as Uint8Array).toString()).split('\n\n');
    rest = blocks.pop() ?? '';
    for (const block of blocks) {
      const field = (name: string): string => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1] ?? '';
      if (field('data') === '') continue;
      const event = {
        id: field('id'),
        event: field('event'),
        data: JSON.parse(field('data')) as unknown,
      } as JobEvent;
      events.push(event);
      if (await last(event)) return events;
    }
  }
  return events;
}

const names = (events: JobEvent[]): string[] => events.map((event) => event.event);
const texts = (events: JobEvent[]): string[] =>
  events.flatMap((event) => (event.event === 'message' ? [event.data.text] : []));

const statusLine = (status: string) => `lockstep_sync_last_status{sync="in",status="${status}"}`;
const changesLine = (kind: string, result: string) =>
  `lockstep_sync_last_changes{sync="in",kind="${kind}",result="${result}"}`;

describeOnSharedStores('records of a job', (makeStore) => {
  test('changes, statistics and the history of one object', async () => {
    await using client = await serveApplication(await openIdleApplication(await makeStore()));
    const { job } = await seed(client);
    const list = async (query: string): Promise<ChangeView[]> =>
      (await client.json<Page<ChangeView>>('GET', `/jobs/${job.id}/changes?${query}`)).items;
    expect((await list('')).map((change) => [change.ordinal, change.result, change.sentence])).toEqual([
      [1, 'success', 'move user "JDoe" from / to /Sales/A\\/B'],
      [2, 'failed', 'create user "dup"; failed: the user name dup is taken (UsernameTaken)'],
      [3, 'success', 'add user "JDoe" to group "admins"'],
      [4, 'planned', 'delete user "old" from /'],
    ]);
    const ordinals = async (query: string): Promise<(number | null)[]> =>
      (await list(query)).map((change) => change.ordinal);
    // A unit that is gone is named as it was last.
    const { db } = client.app.store;
    await sql`
      insert into change (job_serial, ordinal, kind, verb, object_id, label, before, after, result) values
      (${job.serial}, 5, 'organizationalUnit', 'move', 'ou_gone', 'Depot', '{"$parent": [""], "$name": ["Store"]}', '{"$parent": ["ou_past"], "$name": ["Depot"]}', 'skipped'),
      (${job.serial}, 6, 'organizationalUnit', 'delete', 'ou_past', 'Old/1', '{"$parent": ["ou_a"], "$name": ["Old/1"]}', null, 'skipped'),
      (${job.serial}, 7, 'user', 'delete', 'user_8', 'eve', '{"$parent": ["ou_gone"]}', null, 'skipped'),
      (${job.serial}, 8, 'user', 'delete', 'user_7', 'eva', '{"$parent": ["ou_unknown"]}', null, 'skipped')`.execute(
      db,
    );
    expect((await list('after=6')).map((change) => change.sentence)).toEqual([
      'delete user "eve" from /Sales/Old\\/1/Depot; skipped',
      'delete user "eva" from ou_unknown; skipped',
    ]);
    await sql`delete from change where job_serial = ${job.serial} and ordinal > 4`.execute(db);
    expect(await ordinals('operation=created')).toEqual([2, 3]);
    expect(await ordinals('operation=created&kind=user')).toEqual([2]);
    expect(await ordinals('result=success&limit=1')).toEqual([1]);
    expect(await ordinals('result=success&limit=1&after=1')).toEqual([3]);
    expect(await ordinals('result=planned')).toEqual([4]);
    expect(await ordinals('result=failed')).toEqual([2]);
    expect(await ordinals('verb=move')).toEqual([1]);
    expect(await ordinals('operation=pushed')).toEqual([]);
    // What is linked and was not touched: user_2 and the unit; the membership was added.
    expect((await list('operation=same')).map((change) => change.sentence)).toEqual([
      'organizational unit "Sales" is the same',
      'user "amy" is the same',
    ]);
    const first = await client.json<Page<ChangeView>>(
      'GET',
      `/jobs/${job.id}/changes?operation=same&limit=1`,
    );
    expect((await list(`operation=same&limit=1&after=${first.next}`)).map((change) => change.label)).toEqual([
      'amy',
    ]);

    const { statistics } = await client.json<JobView>('GET', `/jobs/${job.id}`);
    expect(statistics.user.created).toEqual({ total: 1, success: 0, failed: 1, skipped: 0 });
    expect(statistics.user.same).toEqual({ total: 1, success: 1, failed: 0, skipped: 0 });
    expect(statistics.user.deleted.total).toBe(0);

    const history = await client.json<Page<ChangeView & { jobId: string }>>(
      'GET',
      '/directory/users/jdoe/changes',
    );
    expect(history.items.map((change) => [change.jobId, change.verb])).toEqual([[job.id, 'move']]);
    // An object that never came to be, or is gone, is named by its id.
    const gone = await client.json<Page<ChangeView>>('GET', '/directory/users/user_9/changes');
    expect(gone.items.map((change) => change.verb)).toEqual(['delete']);
  });

  test('the directory by id, path and name', async () => {
    await using client = await serveApplication(await openIdleApplication(await makeStore()));
    await seed(client);
    const byId = await client.json<DirectoryObjectDetail>('GET', '/directory/users/user_1');
    expect(byId).toMatchObject({
      name: 'JDoe',
      path: '/Sales/A\\/B/JDoe',
      links: [{ sync: 'in', externalId: 'u1', location: 'uid=jdoe', state: 'live' }],
      provenance: { mail: 'in', title: 'in' },
    });
    for (const address of ['jdoe', 'JDOE', '/sales/a\\/b/jdoe']) {
      const found = await client.json('GET', `/directory/users/${encodeURIComponent(address)}`);
      expect(found, address).toEqual(byId);
    }
    const list = async (path: string): Promise<string[]> =>
      (await client.json<Page<DirectoryObject>>('GET', `/directory/${path}`)).items.map(
        (object) => object.path,
      );
    expect(await list('users')).toEqual(['/Sales/A\\/B/JDoe', '/amy']);
    expect(await list('users?prefix=JD')).toEqual(['/Sales/A\\/B/JDoe']);
    expect(await list('users?path=/')).toEqual(['/amy']);
    expect(await list(`users?path=${encodeURIComponent('/Sales/A\\/B')}`)).toEqual(['/Sales/A\\/B/JDoe']);
    expect(await list('organizationalUnits')).toEqual(['/Sales', '/Sales/A\\/B']);
    expect(await list('groups')).toEqual(['/admins']);
    const members = await client.json('GET', '/directory/groups/admins/members');
    expect(members).toMatchObject({ items: [{ id: 'user_1', kind: 'user', name: 'JDoe' }], next: null });
    const memberships = await client.json('GET', '/directory/users/jdoe/memberships');
    expect(memberships).toMatchObject({ items: [{ id: 'group_1', kind: 'group', name: 'admins' }] });
    await expectProblem(await client.send('GET', '/directory/users/nobody'), 404);
    await expectProblem(await client.send('GET', '/directory/users?path=/None'), 404);
    await expectProblem(await client.send('GET', '/directory/users/jdoe/members'), 400);
    await expectProblem(await client.send('GET', '/directory/robots'), 400);
  });

  test('events end for whom the token is revoked', async () => {
    await using client = await serveApplication(await openIdleApplication(await makeStore()));
    const { store } = client.app;
    const { job, serial } = await seed(client);
    const events = await follow(client, job.id, undefined, async ({ event }) => {
      if (event !== 'progress') return false;
      await sql`update api_token set revoked_at = now()`.execute(store.db);
      await endJob(store, serial);
      return false;
    });
    expect(texts(events)).not.toContain('done');
    expect(names(events)).not.toContain('end');
    expect((await client.send('GET', `/jobs/${job.id}/events`)).status).toBe(401);
  });

  test('metrics tell how each sync ended last', async () => {
    await using client = await serveApplication(await openIdleApplication(await makeStore()));
    const { db } = client.app.store;
    const { job, serial } = await seed(client);
    const lines = async () => {
      const authorization = `Bearer ${client.app.credentials.apiToken}`;
      const { body } = await client.server.inject({ url: '/metrics', headers: { authorization } });
      return body.split('\n').filter((line) => line.startsWith('lockstep_sync_last'));
    };
    expect(await lines()).toEqual([]);
    const { statistics } = await client.json<JobView>('GET', `/jobs/${job.id}`);
    await endJob(client.app.store, serial);
    await sql`
      update job set statistics = ${JSON.stringify(statistics)}::jsonb, ended_at = '2026-01-31T08:00:00Z'
      where serial = ${serial}`.execute(db);
    const told = await lines();
    expect(told).toContain('lockstep_sync_last_end_timestamp_seconds{sync="in"} 1769846400');
    expect(told).toContain(`${statusLine('partial_success')} 1`);
    for (const other of ['held', 'success', 'failed', 'cancelled'])
      expect(told).toContain(`${statusLine(other)} 0`);
    expect(told).toContain(`${changesLine('user', 'success')} 1`);
    expect(told).toContain(`${changesLine('user', 'failed')} 1`);
    expect(told).toContain(`${changesLine('membership', 'success')} 1`);
    expect(told).toContain(`${changesLine('group', 'skipped')} 0`);
    // A preview, a part and an undo say nothing of the sync.
    for (const set of [
      sql`mode = 'dryRun'`,
      sql`mode = 'apply', selection = '{}'`,
      sql`selection = null, undoes_job_id = 'j'`,
    ]) {
      await sql`update job set ${set} where serial = ${serial}`.execute(db);
      expect(await lines()).toEqual([]);
    }
    await sql`update job set undoes_job_id = null where serial = ${serial}`.execute(db);
    expect(await lines()).toEqual(told);
    // An approval that did all it should is no success of the sync while something else of the held run failed.
    await sql`
      insert into job (id, tenant_id, sync_id, connection_id, sync_name, direction, started_through, mode, status, approves_job_id,
        started_at, ended_at)
      select id || '1', tenant_id, sync_id, connection_id, sync_name, direction, started_through, 'approve', 'success', id, now(), now()
      from job where serial = ${serial}`.execute(db);
    expect(await lines()).toContain(`${statusLine('partial_success')} 1`);
    await sql`
      update job set statistics = jsonb_set(statistics, '{user,created,failed}', '0') where serial = ${serial}`.execute(
      db,
    );
    expect(await lines()).toContain(`${statusLine('success')} 1`);
    await sql`delete from job where approves_job_id is not null`.execute(db);
    await sql`update sync set enabled = false`.execute(db);
    expect(await lines()).toEqual([]);
    await sql`update sync set enabled = true`.execute(db);
    await sql`insert into tenant (id, name) values ('idaas_other', 'other')`.execute(db);
    await sql`update account set tenant_id = 'idaas_other'`.execute(db);
    expect(await lines()).toEqual([]);
  });

  test('another tenant sees none of it', async () => {
    await using client = await serveApplication(await openIdleApplication(await makeStore()));
    const { job } = await seed(client);
    const { db } = client.app.store;
    await sql`insert into tenant (id, name) values ('idaas_other', 'other')`.execute(db);
    await sql`insert into account (id, tenant_id, name, role) values ('acct_other', 'idaas_other', 'a', 'administrator')`.execute(
      db,
    );
    await sql`update api_token set account_id = 'acct_other'`.execute(db);
    for (const path of [
      `/jobs/${job.id}`,
      `/jobs/${job.id}/changes`,
      `/jobs/${job.id}/events`,
      '/syncs/in',
      '/connections/source',
      '/directory/users/user_1',
      '/directory/users/user_1/changes',
    ]) {
      await expectProblem(await client.send('GET', path), 404);
    }
    await expectProblem(await client.send('POST', `/jobs/${job.id}/cancel`), 404);
    expect(await client.json('GET', '/jobs')).toMatchObject({ items: [] });
    expect(await client.json('GET', '/directory/users')).toMatchObject({ items: [] });
  });

  test('a live job is followed, and followed on behind the last event by another server', async () => {
    const app = await openIdleApplication(await makeStore());
    await using client = await serveApplication(app);
    await using other = await serveApplication(app);
    const { job, serial } = await seed(client);
    const before = await follow(client, job.id, undefined, (event) => event.event === 'progress');
    expect(names(before)).toEqual(['message', 'status', 'progress']);
    expect(before.at(-1)?.data).toMatchObject({ phase: 'apply', applied: 3, total: 4, read: 4 });

    await say(app.store, serial, 'writing');
    let said = false;
    const after = await follow(other, job.id, before.at(-1)?.id, async (event) => {
      if (event.event === 'message' && !said) {
        said = true;
        await endJob(app.store, serial);
      }
      return false;
    });
    // Nothing is told twice; the server ends the stream itself.
    expect(texts(after)).toEqual(['writing', 'done']);
    expect(names(after)).toEqual(['message', 'message', 'status', 'progress', 'end']);
    expect(after.at(-1)?.data).toMatchObject({ id: job.id, status: 'partial_success' });
    const again = await client.send('GET', `/jobs/${job.id}/events`, undefined, {
      'last-event-id': after.at(-1)?.id ?? '',
    });
    expect(again.status).toBe(204);
    const whole = await follow(client, job.id, 'not an id of ours', () => false);
    expect(texts(whole)).toEqual(['reading', 'writing', 'done']);
  });

  test('a held plan is approved once, and not when something newer ran', async () => {
    await using client = await serveApplication(await openIdleApplication(await makeStore()));
    const { job, serial } = await seed(client);
    const { db } = client.app.store;
    await sql`update job set status = 'held', phase = 'over' where serial = ${serial}`.execute(db);
    expect(await client.json('GET', `/jobs/${job.id}`)).toMatchObject({
      heldPlan: { state: 'waiting', jobId: null, account: null, at: null },
    });
    const approved = await client.json<{ job: JobView; created: boolean }>('POST', `/jobs/${job.id}/approve`);
    expect(approved).toMatchObject({ created: true, job: { mode: 'approve', approvesJobId: job.id } });
    expect(approved.job.heldPlan).toBeNull();
    const settled = {
      state: 'approved',
      jobId: approved.job.id,
      account: 'administrator',
      at: approved.job.createdAt,
    };
    expect(await client.json('GET', `/jobs/${job.id}`)).toMatchObject({ status: 'held', heldPlan: settled });
    const listed = await client.json<{ items: JobView[] }>('GET', '/jobs?status=held');
    expect(listed.items.map(({ heldPlan }) => heldPlan)).toEqual([settled]);
    const again = await client.json<{ job: JobView; created: boolean }>('POST', `/jobs/${job.id}/approve`);
    expect(again).toMatchObject({ created: false, job: { id: approved.job.id } });
    await sql`update job set status = 'success', started_at = now() where id = ${approved.job.id}`.execute(
      db,
    );
    const late = await expectProblem(await client.send('POST', `/jobs/${job.id}/approve`), 409);
    expect(late.code).toBe('PlanSuperseded');
    const notHeld = await expectProblem(await client.send('POST', `/jobs/${approved.job.id}/approve`), 409);
    expect(notHeld.code).toBe('NotHeld');
  });
});
