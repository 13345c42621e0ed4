import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadConfiguration } from './configuration-file.ts';

test('files that settings name are looked for beside the configuration, whoever uses the store', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-paths-'));
  try {
    const file = join(folder, 'lockstep.yaml');
    writeFileSync(
      file,
      `connections:
  entra: { type: entra_id, tenantId: t, clientId: c, certificate: { file: app.pem }, caFile: ca.pem }
  cloud: { type: entra_id, tenantId: t, clientId: c, federatedToken: { file: run/token } }
  app: { type: scim, url: 'https://app.example/scim/v2', caFile: /etc/ca.pem }
  corp: { type: ldap, url: 'ldaps://ldap.example', baseDn: dc=x, tls: { caFile: ca.pem, serverName: ldap } }
  list: { type: file, path: list.csv }
`,
    );
    const { connections } = await loadConfiguration(file);
    expect(connections.map(({ settings }) => settings)).toMatchObject([
      { certificate: { file: join(folder, 'app.pem') }, caFile: join(folder, 'ca.pem') },
      { federatedToken: { file: join(folder, 'run/token') } },
      { caFile: '/etc/ca.pem' },
      { tls: { caFile: join(folder, 'ca.pem'), serverName: 'ldap' } },
      { path: join(folder, 'list.csv') },
    ]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
