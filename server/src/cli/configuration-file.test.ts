import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { LockstepError } from '../kernel/errors.ts';
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
    const { configuration } = await loadConfiguration(file);
    expect(configuration.connections.map(({ settings }) => settings)).toMatchObject([
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

test('a refusal that names a field gets its place in the file', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-places-'));
  try {
    const file = join(folder, 'lockstep.yaml');
    writeFileSync(
      file,
      `connections:
  list: { type: file, path: list.csv }
syncs:
  in: { connection: list, direction: ingress, match: [mail] }
  in.2:
    connection: list
    direction: ingress
    match:
      user: [mail, shoeSize]
`,
    );
    const { placing } = await loadConfiguration(file);
    const placeOf = async (field: string | undefined) => {
      const refused = new LockstepError('InvalidConfiguration', 'wrong', { field });
      return placing(Promise.reject(refused)).catch((error: LockstepError) => error.position);
    };
    expect(await placeOf('syncs.in.2.match.user.1')).toEqual({ file, line: 9, column: 20 });
    expect(await placeOf('syncs.in.match.0')).toEqual({ file, line: 4, column: 55 });
    expect(await placeOf('syncs.in.scopes.0.source')).toEqual({ file, line: 4, column: 7 });
    expect(await placeOf('--data')).toBeUndefined();
    expect(await placeOf(undefined)).toBeUndefined();
  } finally {
    rmSync(folder, { recursive: true });
  }
});
