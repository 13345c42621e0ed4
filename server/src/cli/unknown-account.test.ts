import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { openStore } from '../store/open.ts';
import { openLocalRuntime } from './local-runtime.ts';
import { socketPathOf } from './socket-path.ts';

/** What the system says of an account that it has no entry for: a container runs under any number. */
function refuse(): never {
  throw new Error('uv_os_get_passwd returned ENOENT (no such file or directory)');
}
vi.mock('node:os', async (original) => ({
  ...(await original<typeof import('node:os')>()),
  homedir: refuse,
  userInfo: refuse,
}));

function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-account-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

test('an account that the system does not know opens a store in a folder that others can enter', async () => {
  const folder = makeFolder();
  chmodSync(folder, 0o755);
  const socket = socketPathOf(folder);
  expect(socket).not.toContain(folder);
  rmSync(join(socket, '..'), { recursive: true });
  vi.stubEnv('XDG_CACHE_HOME', undefined);
  vi.stubEnv('TMPDIR', makeFolder());
  onTestFinished(() => void vi.unstubAllEnvs());
  await using store = await openStore({ data: folder });
  expect(store.dataDirectory).toBe(folder);
});

test('an account without a home is asked for a key file', async () => {
  for (const name of ['XDG_CONFIG_HOME', 'LOCKSTEP_KEY']) vi.stubEnv(name, undefined);
  onTestFinished(() => void vi.unstubAllEnvs());
  const location = {
    type: 'server',
    url: 'postgres://127.0.0.1:1/x',
    directory: undefined,
    keyFile: undefined,
  } as const;
  await expect(openLocalRuntime(location, { worker: false })).rejects.toMatchObject({
    code: 'InvalidConfiguration',
    field: '--key-file',
  });
});
