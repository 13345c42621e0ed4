import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { fileConnectionSchema } from '@lockstep/contract/connection-configuration.ts';
import { configurationSchema } from '@lockstep/contract/configuration.ts';
import { renderCompany } from '../../../../examples/generate-company.ts';
import type { ExternalObject, RawEntry } from '../../sync/connector.ts';
import { fileConnector } from './connector.ts';

const examples = new URL('../../../../examples/', import.meta.url);

test('the configuration is valid and names its files', async () => {
  const text = await readFile(new URL('lockstep.yaml', examples), 'utf8');
  const { connections, syncs } = configurationSchema.parse(parse(text));
  expect(Object.keys(connections)).toEqual(['company', 'export']);
  expect(Object.entries(syncs).map(([name, sync]) => [name, sync.direction, sync.onMissing])).toEqual([
    ['company-in', 'ingress', 'disable'],
    ['export-out', 'egress', 'delete'],
  ]);
});

test('company.ldif is what its script makes', async () => {
  expect(await readFile(new URL('company.ldif', examples), 'utf8')).toBe(renderCompany().text);
});

test('company.ldif is read whole and has its odd ones', async () => {
  const settings = fileConnectionSchema.parse({
    type: 'file',
    path: 'company.ldif',
    baseDn: 'dc=example,dc=com',
  });
  const endpoint = await fileConnector.open(settings, {
    baseDirectory: examples.pathname,
    secret: () => undefined,
  });
  const reading = endpoint.read({
    scopes: [{ node: 'dc=example,dc=com' }],
    attributes: { user: [], organizationalUnit: [], group: [] },
    memberships: true,
    signal: new AbortController().signal,
  });
  const entries: RawEntry[] = [];
  let step = await reading.next();
  for (; step.done !== true; step = await reading.next()) entries.push(...step.value);
  expect(step.value).toEqual({ complete: true, warnings: [] });
  const of = (kind: string): ExternalObject[] =>
    entries.filter((entry) => entry.kind === kind).map((entry) => entry.decode());
  const [users, units, groups] = [of('user'), of('organizationalUnit'), of('group')];
  expect(users.length).toBeGreaterThan(1000);
  expect(groups).toHaveLength(40);
  expect(units.some((unit) => unit.parents.length === 1)).toBe(true);
  const known = new Set([...users, ...groups].map((object) => object.reference));
  const unknown = groups.flatMap((group) => (group.members ?? []).filter((member) => !known.has(member)));
  expect(unknown).toEqual(['uid=left.long.ago,ou=platform,ou=engineering,dc=example,dc=com']);
  const shared = users.filter(
    (user) => String(user.attributes['mail']?.[0]).toLowerCase() === 'frontdesk@example.com',
  );
  expect(shared).toHaveLength(2);
  expect(
    users.filter((user) => (user.attributes['mail']?.length ?? 0) > 1 && 'jpegPhoto' in user.attributes),
  ).toHaveLength(1);
});
