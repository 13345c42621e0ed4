import { execFile } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';

const run = promisify(execFile);
let root: string;

/** A repository of two files, and an npm that notes its calls. */
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'lockstep-install-'));
  mkdirSync(join(root, 'scripts'));
  mkdirSync(join(root, 'bin'));
  copyFileSync(resolve(import.meta.dirname, 'install.sh'), join(root, 'scripts/install.sh'));
  writeFileSync(join(root, 'package-lock.json'), '{}');
  fakeNpm('sleep 0.3; mkdir -p node_modules; touch node_modules/.package-lock.json');
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function fakeNpm(script: string): void {
  const path = join(root, 'bin/npm');
  writeFileSync(path, `#!/bin/sh\necho "$@" >> calls\n${script}\n`);
  chmodSync(path, 0o755);
}

function install() {
  const environment = { ...process.env, PATH: `${join(root, 'bin')}:${process.env.PATH ?? ''}` };
  return run('sh', [join(root, 'scripts/install.sh')], { env: environment, cwd: '/' });
}

function calls(): string[] {
  return readFileSync(join(root, 'calls'), 'utf8').trim().split('\n');
}

test('two at once install once, and a third finds everything there', async () => {
  await Promise.all([install(), install()]);
  expect(calls()).toHaveLength(1);
  expect(calls()[0]).toMatch(/^ci .*--include=optional --include=dev/);
  const third = await install();
  expect(third.stderr).toBe('');
  expect(calls()).toHaveLength(1);
});

test('a newer lock file installs again', async () => {
  await install();
  const later = new Date(Date.now() + 10_000);
  utimesSync(join(root, 'package-lock.json'), later, later);
  await install();
  expect(calls()).toHaveLength(2);
});

test('a failure shows what npm said and fails', async () => {
  fakeNpm('echo "npm error: out of luck"; exit 7');
  await expect(install()).rejects.toMatchObject({ code: 1, stderr: expect.stringContaining('out of luck') });
});
