import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Paths of a certificate authority made for one test, in PEM. */
export interface TestAuthority {
  readonly caFile: string;
  readonly caKeyFile: string;
}

const newKey = 'req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes'.split(' ');

/** Makes a certificate authority in `directory`; it is valid for a day and trusted by nobody else. */
export async function makeAuthority(directory: string, name = 'authority'): Promise<TestAuthority> {
  const caFile = join(directory, `${name}.pem`);
  const caKeyFile = join(directory, `${name}.key`);
  const subject = ['-subj', `/CN=Test ${name}`, '-addext', 'keyUsage=critical,keyCertSign,cRLSign'];
  await run('openssl', [...newKey, '-x509', '-days', '1', ...subject, '-keyout', caKeyFile, '-out', caFile]);
  return { caFile, caKeyFile };
}

/**
 * Issues a certificate that is good as a server's and as a client's.
 * `names` are subject alternative names as openssl writes them: `DNS:localhost`, `IP:127.0.0.1`.
 */
export async function issueCertificate(
  authority: TestAuthority,
  directory: string,
  name: string,
  names: readonly string[],
): Promise<{ certFile: string; keyFile: string }> {
  const file = (suffix: string): string => join(directory, `${name}.${suffix}`);
  const extensions = ['basicConstraints=CA:FALSE', 'extendedKeyUsage=serverAuth,clientAuth'];
  if (names.length > 0) extensions.push(`subjectAltName=${names.join(',')}`);
  await writeFile(file('ext'), `${extensions.join('\n')}\n`);
  await run('openssl', [...newKey, '-subj', `/CN=${name}`, '-keyout', file('key'), '-out', file('csr')]);
  const signing = ['-CA', authority.caFile, '-CAkey', authority.caKeyFile, '-CAcreateserial'];
  const files = ['-in', file('csr'), '-extfile', file('ext'), '-out', file('pem')];
  await run('openssl', ['x509', '-req', '-days', '1', ...files, ...signing]);
  return { certFile: file('pem'), keyFile: file('key') };
}
