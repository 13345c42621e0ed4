import { readFileSync } from 'node:fs';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { lockstep } from '../../../test/cli/lockstep-process.ts';
import { buildProgram } from './program.ts';

const commands = buildProgram().commands.flatMap((command) =>
  command.commands.length === 0
    ? [[command.name()]]
    : command.commands.map((sub) => [command.name(), sub.name()]),
);

test('the launcher needs no program beside the shell', () => {
  const launcher = resolve(import.meta.dirname, '../../../bin/lockstep');
  const version = execFileSync('/bin/sh', [launcher, '--version'], { env: { PATH: '' }, encoding: 'utf8' });
  expect(version).toMatch(/^\d+\.\d+/);
});

test('every command that is promised is there', () => {
  expect(commands.map((names) => names.join(' ')).sort()).toEqual(
    [
      'accounts delete',
      'accounts list',
      'accounts put',
      'accounts token',
      'apply',
      'backup',
      'connections list',
      'connections test',
      'connections token',
      'demo',
      'directory list',
      'directory show',
      'jobs approve',
      'jobs cancel',
      'jobs changes',
      'jobs list',
      'jobs messages',
      'jobs show',
      'jobs undo',
      'keys create',
      'keys list',
      'keys revoke',
      'oauth-clients create',
      'oauth-clients delete',
      'oauth-clients list',
      'plan',
      'policies attach',
      'policies delete',
      'policies detach',
      'policies list',
      'policies put',
      'restore',
      'run',
      'serve',
      'sync',
      'syncs list',
      'tenants create',
      'tenants list',
      'version',
      'worker',
    ].sort(),
  );
});

test.each(commands.map((names) => [names.join(' ')]))('%s explains itself with an example', (names) => {
  let text = '';
  let command = buildProgram();
  for (const name of names.split(' ')) {
    command = command.commands.find((one) => one.name() === name) ?? command;
  }
  command.configureOutput({ writeOut: (part) => (text += part) });
  command.outputHelp();
  expect(text).toMatch(/\nExample:\n {2}\$ bin\/lockstep /);
});

test.each(['jobs', 'directory', 'connections', 'keys', 'policies'])(
  '%s alone shows an example, too',
  (name) => {
    let text = '';
    const group = buildProgram().commands.find((command) => command.name() === name);
    group?.configureOutput({ writeOut: (part) => (text += part) });
    group?.outputHelp();
    expect(text).toMatch(new RegExp(`\\nExample:\\n {2}\\$ bin/lockstep ${name} `));
  },
);

function helpOf(name: string): string {
  const command = buildProgram().commands.find((one) => one.name() === name);
  return command?.helpInformation().replaceAll(/\s+/g, ' ') ?? '';
}

test('the help of a command says where its data is when nothing names it', () => {
  for (const name of ['sync', 'apply', 'serve']) {
    expect(helpOf(name)).toContain('else "data" beside the configuration file)');
  }
  expect(helpOf('plan')).toContain('$LOCKSTEP_DATA, else ./data)');
});

test('the launcher works through a symbolic link and from another directory', () => {
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-link-'));
  try {
    symlinkSync(resolve(import.meta.dirname, '../../../bin/lockstep'), join(folder, 'lockstep'));
    const manifest = readFileSync(resolve(import.meta.dirname, '../../../package.json'), 'utf8');
    const { version } = JSON.parse(manifest) as { version: string };
    const output = execFileSync(join(folder, 'lockstep'), ['version'], { cwd: '/', encoding: 'utf8' });
    expect(output).toBe(`${version}\n`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('a mistyped option is an error with exit code 1', async () => {
  const finished = await lockstep('version', '--frobnicate');
  expect(finished.code).toBe(1);
  expect(finished.stderr).toContain("unknown option '--frobnicate'");
});
