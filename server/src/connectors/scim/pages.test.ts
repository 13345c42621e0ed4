import { expect, test } from 'vitest';
import { startScripted } from '../../../../test/servers/scripted-http.ts';
import { HttpClient } from '../../http-client/client.ts';
import { ScimClient } from './client.ts';
import { readList } from './pages.ts';

test('a list that is cut off in the middle of an answer is not whole', async () => {
  await using server = await startScripted(({ query }) => {
    const isFirst = query.get('startIndex') === '1';
    const from = isFirst ? 0 : 10;
    const resources = Array.from({ length: 10 }, (_, index) => ({ id: String(from + index) }));
    return { json: { totalResults: 30, Resources: resources }, cutOff: !isFirst };
  });
  await using http = new HttpClient({ baseUrl: server.url, systemName: 'the SCIM service', retries: 0 });
  const client = new ScimClient(http, () => Promise.resolve());
  const list = readList(client, {
    path: '/Users',
    pageSize: 10,
    byCursor: false,
    signal: new AbortController().signal,
  });
  const first = await list.next();
  expect(first.value).toHaveLength(10);
  const end = await list.next();
  expect(end).toMatchObject({
    done: true,
    value: { reason: expect.stringMatching(/broke off after 10 resources/) },
  });
});
