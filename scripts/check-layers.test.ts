import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { findLayerViolations } from './check-layers.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'lockstep-layers-'));
  write('contract/package.json', '{"name":"@lockstep/contract","exports":{"./*.ts":"./src/*.ts"}}');
  write('contract/src/vocabulary.ts', 'export type Kind = "user";');
  write('package.json', '{"workspaces":["contract"]}');
  mkdirSync(join(root, 'node_modules/@lockstep'), { recursive: true });
  symlinkSync(resolve(root, 'contract'), join(root, 'node_modules/@lockstep/contract'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function write(path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}

/** A module at `from` that imports the module at `to`, for its types only: types obey the layers, too. */
async function rulesBrokenBy(from: string, to: string): Promise<string[]> {
  const up = '../'.repeat(from.split('/').length - 1);
  write(to, 'export type Thing = string;');
  write(from, `import type { Thing } from '${up}${to}';\nexport type Other = Thing;`);
  const { violations } = await findLayerViolations(root);
  return violations.map(({ rule }) => rule);
}

test.each([
  ['server/src/kernel/a.ts', 'server/src/store/b.ts', 'layer-kernel'],
  ['server/src/mapping/a.ts', 'server/src/sync/b.ts', 'layer-mapping-scim-http-client'],
  ['server/src/http-client/a.ts', 'server/src/sync/b.ts', 'layer-mapping-scim-http-client'],
  ['server/src/sync/a.ts', 'server/src/connectors/file/b.ts', 'layer-sync'],
  ['server/src/sync/a.ts', 'server/src/store/b.ts', 'layer-sync'],
  ['server/src/store/a.ts', 'server/src/app/b.ts', 'layer-store'],
  ['server/src/app/a.ts', 'server/src/http/b.ts', 'layer-app'],
  ['server/src/app/a.ts', 'server/src/main.ts', 'layer-app'],
  ['server/src/connectors/file/a.ts', 'server/src/connectors/ldap/b.ts', 'connectors-apart'],
  ['server/src/connectors/file/a.ts', 'server/src/connectors/ldap/protocol/ber/b.ts', 'connectors-apart'],
  ['server/src/connectors/file/a.ts', 'server/src/config/b.ts', 'layer-connectors-secrets-telemetry'],
  ['server/src/store/a.ts', 'server/src/jobs/b.ts', 'layer-store'],
  ['server/src/http/surfaces/eiam/a.ts', 'server/src/http/surfaces/meraki/b.ts', 'surfaces-apart'],
  ['server/src/http/surfaces/native/a.ts', 'server/src/store/b.ts', 'surfaces-use-cases-only'],
  ['server/src/cli/commands/a.ts', 'server/src/main.ts', 'composition-root'],
  ['contract/src/a.ts', 'server/src/kernel/b.ts', 'contract-alone'],
  ['console/src/a.ts', 'server/src/kernel/b.ts', 'console-and-contract'],
  ['server/src/app/a.ts', 'test/servers/b.ts', 'server-and-contract'],
])('%s -> %s is refused', async (from, to, rule) => {
  expect(await rulesBrokenBy(from, to)).toContain(rule);
});

test.each([
  ['server/src/sync/a.ts', 'server/src/kernel/b.ts'],
  ['server/src/cli/local-runtime.ts', 'server/src/main.ts'],
  ['server/src/kernel/a.test.ts', 'server/src/store/b.ts'],
  ['server/src/connectors/file/a.ts', 'server/src/directory/dn/b.ts'],
])('%s -> %s is allowed', async (from, to) => {
  expect(await rulesBrokenBy(from, to)).toEqual([]);
});

test('the contract resolves through its exports; what it does not export is refused', async () => {
  write('server/src/kernel/a.ts', "export type { Kind } from '@lockstep/contract/vocabulary.ts';");
  expect((await findLayerViolations(root)).violations).toEqual([]);
  write('server/src/kernel/b.ts', "import '@lockstep/contract/absent.ts';");
  const { violations } = await findLayerViolations(root);
  expect(violations.map(({ rule }) => rule)).toEqual(['resolvable']);
});

test('modules in a circle are refused', async () => {
  write('server/src/kernel/a.ts', "import { b } from './b.ts';\nexport const a = (): unknown => b;");
  write('server/src/kernel/b.ts', "import { a } from './a.ts';\nexport const b = (): unknown => a;");
  const { violations } = await findLayerViolations(root);
  expect(violations.map(({ rule }) => rule)).toContain('no-cycle');
});

test('the number of modules is reported, so that an empty run is noticed', async () => {
  expect((await findLayerViolations(root)).modules).toBe(1);
});
