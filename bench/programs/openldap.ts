import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Slapd } from '../../test/servers/slapd.ts';
import { runOrThrow, type ProgramRun } from './program.ts';

export const pageSize = 1000;
/** What every reader asks for. */
export const readAttributes = ['*', 'entryUUID'];

function access(slapd: Slapd): string[] {
  return ['-x', '-H', slapd.url, '-D', slapd.adminDn, '-w', slapd.password];
}

/** ldapsearch printing all entries of a server to nowhere. */
export async function readByLdapsearch(slapd: Slapd, signal: AbortSignal): Promise<ProgramRun> {
  const paging = ['-E', `pr=${pageSize}/noprompt`];
  const args = [
    ...access(slapd),
    '-LLL',
    ...paging,
    '-b',
    slapd.suffix,
    '(objectClass=*)',
    ...readAttributes,
  ];
  return runOrThrow('ldapsearch', args, { output: '/dev/null', signal });
}

/** Writes all entries below a server's suffix to an LDIF file, parents first. */
export async function dumpBelowSuffix(slapd: Slapd, path: string, signal: AbortSignal): Promise<void> {
  const args = [...access(slapd), '-LLL', '-s', 'children', '-b', slapd.suffix, '(objectClass=*)'];
  await runOrThrow('ldapsearch', args, { output: path, signal });
}

/** Adds the entries of a file one after the other, as the administrator, over the network. */
export async function addByLdapadd(slapd: Slapd, path: string, signal: AbortSignal): Promise<ProgramRun> {
  return runOrThrow('ldapadd', [...access(slapd), '-f', path], { output: '/dev/null', signal });
}

/** Carries out the change records of a file. */
export async function changeByLdapmodify(slapd: Slapd, path: string, signal: AbortSignal): Promise<void> {
  await runOrThrow('ldapmodify', [...access(slapd), '-f', path], { output: '/dev/null', signal });
}

/** `slapadd -q` into a new database with the settings of this server, which stays as it is. */
export async function loadBySlapadd(
  slapd: Slapd,
  ldif: string,
  directory: string,
  signal: AbortSignal,
): Promise<ProgramRun> {
  await mkdir(directory);
  const settings = await readFile(join(slapd.directory, 'slapd.conf'), 'utf8');
  const configuration = join(directory, 'slapd.conf');
  await writeFile(
    configuration,
    settings.replaceAll(`directory ${slapd.directory}/db`, `directory ${directory}`),
  );
  return runOrThrow('/usr/sbin/slapadd', ['-q', '-f', configuration, '-l', ldif], {
    output: '/dev/null',
    signal,
  });
}
