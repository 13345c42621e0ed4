import { expect, test } from 'vitest';
import { startSlapd } from '../../../../../../test/servers/slapd.ts';
import { reconnectingLdap } from './reconnecting.ts';

test('after a restart of the server the next operation connects and binds again', async () => {
  await using slapd = await startSlapd({ dbnosync: true });
  const delays: number[] = [];
  const bind = { method: 'simple', dn: slapd.adminDn, password: slapd.password } as const;
  await using client = reconnectingLdap(
    { url: slapd.url, bind },
    {
      attempts: 4,
      firstDelayMs: 100,
      maxDelayMs: 250,
      wait: async (milliseconds) => {
        delays.push(milliseconds);
        if (milliseconds === 250) await slapd.resume();
      },
    },
  );
  const admin = `dn:${slapd.adminDn}`;
  expect(client.alive).toBe(false);
  expect(await client.whoAmI()).toBe(admin);
  expect(client.alive).toBe(true);

  const live = client.search({ base: slapd.suffix, scope: 'sub', filter: '(objectClass=*)' });
  let entries = 0;
  for await (const item of live) if (item.type === 'entry') entries += 1;
  expect(entries).toBe(1);

  await slapd.halt('SIGKILL');
  await expect.poll(() => client.alive).toBe(false);
  const both = await Promise.all([client.whoAmI(), client.compare(slapd.suffix, 'o', 'Example')]);
  expect(both).toEqual([admin, true]);
  // 100, 200, then the longest wait, in which the server came back; one attempt served both operations.
  expect(delays).toEqual([100, 200, 250]);
});

test('it gives up after the last attempt, tries afresh later, and does not repeat a rejected password', async () => {
  await using slapd = await startSlapd({ dbnosync: true });
  const bind = { method: 'simple', dn: slapd.adminDn, password: slapd.password } as const;
  const waits: number[] = [];
  const quick = {
    attempts: 3,
    firstDelayMs: 1,
    wait: async (milliseconds: number) => void waits.push(milliseconds),
  };
  await using client = reconnectingLdap({ url: slapd.url, bind }, quick);
  await slapd.halt();
  const search = client.search({ base: '', scope: 'base', filter: '(objectClass=*)' });
  await expect(search.batches().next()).rejects.toMatchObject({ code: 'ConnectionFailed' });
  await expect(search.done).rejects.toMatchObject({ code: 'ConnectionFailed' });
  expect(waits).toEqual([1, 2]);
  await slapd.resume();
  expect(await client.whoAmI()).toBe(`dn:${slapd.adminDn}`);

  const wrong = reconnectingLdap({ url: slapd.url, bind: { ...bind, password: 'wrong' } }, quick);
  await expect(wrong.whoAmI()).rejects.toMatchObject({ code: 'AuthenticationRejected' });
  expect(waits).toEqual([1, 2]);
  await client.unbind();
  await expect(client.whoAmI()).rejects.toMatchObject({ code: 'ConnectionFailed' });
});
