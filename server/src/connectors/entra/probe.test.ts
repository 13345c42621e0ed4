import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, describe, expect, test } from 'vitest';
import { type GraphSimulator, startGraphSimulator } from '../../../../test/simulators/graph/simulator.ts';
import { entraIdConnectionSchema } from '@lockstep/contract/connection-configuration.ts';
import type { TestStep } from '../../sync/connector.ts';
import { resolveAddresses } from './config.ts';
import { entraConnector } from './connector.ts';

const run = promisify(execFile);

const folder = mkdtempSync(join(tmpdir(), 'entra-'));
let graph: GraphSimulator | undefined;
afterEach(async () => {
  await graph?.stop();
  graph = undefined;
});

function settingsFor(simulator: GraphSimulator, more: Record<string, unknown> = {}) {
  return entraIdConnectionSchema.parse({
    type: 'entra_id',
    tenantId: simulator.tenantId,
    clientId: simulator.clientId,
    graphUrl: simulator.graphUrl,
    authorityUrl: simulator.authorityUrl,
    caFile: simulator.caFile,
    ...more,
  });
}

async function stepsOf(more: Record<string, unknown>): Promise<TestStep[]> {
  graph ??= await startGraphSimulator();
  const context = { baseDirectory: folder, secret: () => undefined };
  const steps: TestStep[] = [];
  for await (const step of entraConnector.test(settingsFor(graph, more), context)) steps.push(step);
  return steps;
}

const verdicts = (steps: readonly TestStep[]) => steps.map(({ step, ok }) => `${step} ${ok}`);

describe('testing a connection', () => {
  test('goes from the name to what may be read', async () => {
    const steps = await stepsOf({ clientSecret: 'simulator~secret' });
    expect(verdicts(steps)).toEqual(['dns true', 'tcp true', 'tls true', 'token true', 'read true']);
  });

  test('sends no file that is no token, though the connection names it as one', async () => {
    writeFileSync(join(folder, 'master.key'), 'yQfZl9PfG5SW4tAOsjyYbpy2gDCGUA3mVTpJ94FrHrY=\n');
    const [failed] = (await stepsOf({ federatedToken: { file: 'master.key' } })).slice(-1);
    expect(failed).toMatchObject({ step: 'token', ok: false });
    expect(failed?.detail).toContain('master.key holds something else than a token');
  });

  test.each([
    [{ clientSecret: 'wrong' }, 'token', 'AADSTS7000215', 'value of the secret'],
    [
      { clientSecret: 'x', clientId: '00000000-0000-0000-0000-000000000001' },
      'token',
      'AADSTS700016',
      'clientId',
    ],
    [
      { clientSecret: 'x', tenantId: '00000000-0000-0000-0000-000000000001' },
      'token',
      'AADSTS90002',
      'tenantId',
    ],
    [{}, 'token', 'no credential', 'certificate'],
    [{ clientSecret: 'x', caFile: undefined }, 'tls', 'TLS', 'caFile'],
    [{ clientSecret: 'x', graphUrl: 'https://127.0.0.1:1' }, 'tcp', 'ECONNREFUSED', 'firewalls'],
  ])('%j fails at %s, by %s, and says what helps', async (more, step, detail, remedy) => {
    const last = (await stepsOf(more)).at(-1);
    expect(last).toMatchObject({
      step,
      ok: false,
      detail: expect.stringContaining(detail) as string,
      remedy: expect.stringContaining(remedy) as string,
    });
  });

  test('signs in by a certificate', async () => {
    const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
    const request = 'req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=lockstep -keyout';
    await run('openssl', [...request.split(' '), key, '-out', cert]);
    writeFileSync(join(folder, 'both.pem'), readFileSync(key, 'utf8') + readFileSync(cert, 'utf8'));
    const clientId = '00000000-0000-0000-0000-000000000002';
    graph = await startGraphSimulator({
      applications: [{ clientId, certificates: [readFileSync(cert, 'utf8')] }],
    });
    const steps = await stepsOf({ clientId, certificate: { file: 'both.pem' } });
    expect(verdicts(steps).at(-1)).toBe('read true');
    rmSync(folder, { recursive: true });
  });
});

describe('addresses', () => {
  const settings = { type: 'entra_id', tenantId: 't', clientId: 'c' } as const;
  const addresses = (more: Record<string, unknown>) =>
    resolveAddresses(entraIdConnectionSchema.parse({ ...settings, ...more }));

  test('are those of the cloud, or as given', () => {
    expect(addresses({}).graphUrl).toBe('https://graph.microsoft.com');
    expect(addresses({ cloud: 'china' }).authorityUrl).toBe('https://login.chinacloudapi.cn');
    expect(addresses({ graphUrl: 'https://graph.microsoft.us/' }).authorityUrl).toBe(
      'https://login.microsoftonline.us',
    );
    expect(addresses({ graphUrl: 'https://g.test', authorityUrl: 'https://l.test/' })).toEqual({
      graphUrl: 'https://g.test',
      authorityUrl: 'https://l.test',
    });
  });

  test('of an unknown Graph need their authority, and no version', () => {
    expect(() => addresses({ graphUrl: 'https://g.test' })).toThrow('no known cloud');
    expect(() => addresses({ graphUrl: 'https://graph.microsoft.com/v1.0' })).toThrow('version');
  });
});
