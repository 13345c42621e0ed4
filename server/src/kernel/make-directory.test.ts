import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { makeDirectory } from './make-directory.ts';

test('a directory is made with those above it, for its user alone, also by several at once', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'make-'));
  try {
    const path = join(folder, 'a', 'b', 'c');
    await Promise.all([makeDirectory(path), makeDirectory(path), makeDirectory(join(folder, 'a', 'd'))]);
    await makeDirectory(path);
    expect((await stat(path)).mode & 0o777).toBe(0o700);
    expect((await stat(join(folder, 'a'))).mode & 0o777).toBe(0o700);
    await writeFile(join(folder, 'file'), '');
    await expect(makeDirectory(join(folder, 'file'))).rejects.toMatchObject({ code: 'EEXIST' });
    await expect(makeDirectory(join(folder, 'file', 'x'))).rejects.toMatchObject({ code: 'ENOTDIR' });
  } finally {
    await rm(folder, { recursive: true });
  }
});

test.runIf(process.platform === 'linux')(
  'a file system without new names is told, and not asked for ever',
  async () => {
    await expect(makeDirectory('/proc/lockstep/data')).rejects.toMatchObject({ code: 'ENOENT' });
  },
);
