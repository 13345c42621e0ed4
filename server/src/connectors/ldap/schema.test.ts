import { afterAll, beforeAll, expect, test } from 'vitest';
import { openLdap, settingsOf } from '../../../../test/servers/ldap-endpoint.ts';
import { startSlapd, type Slapd } from '../../../../test/servers/slapd.ts';

let server: Slapd;
beforeAll(async () => {
  server = await startSlapd();
});
afterAll(() => server.stop());

test('attributes are known by each of their names, by their object identifier and with options', async () => {
  await using endpoint = await openLdap(settingsOf(server));
  const known = ['title', 'TITLE', 'cn', 'commonName', '2.5.4.12', 'cn;lang-de'];
  const asked = [...known, 'titel', 'mial;lang-de', '2.5.4.1234', 'badgeColour'];
  expect(await endpoint.findUnknown?.(asked, new AbortController().signal)).toEqual([
    { name: 'titel', meant: 'title' },
    { name: 'mial;lang-de', meant: 'mail' },
    { name: '2.5.4.1234', meant: undefined },
    { name: 'badgeColour', meant: undefined },
  ]);
});
