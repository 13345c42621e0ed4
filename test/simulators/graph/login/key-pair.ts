import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** An RSA key and its self-signed certificate, as an application registers one. */
export interface KeyPair {
  /** PEM. */
  readonly key: string;
  /** PEM. */
  readonly certificate: string;
  /** A file with both. */
  readonly file: string;
}

/** Makes a key pair in `directory`; its certificate is valid for a day. */
export async function makeKeyPair(directory: string, name: string): Promise<KeyPair> {
  const [keyFile, certificateFile, file] = ['key', 'crt', 'both'].map((end) =>
    join(directory, `${name}.${end}`),
  );
  const output = ['-subj', `/CN=${name}`, '-days', '1', '-keyout', keyFile!, '-out', certificateFile!];
  await run('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', ...output]);
  const [key, certificate] = await Promise.all([
    readFile(keyFile!, 'utf8'),
    readFile(certificateFile!, 'utf8'),
  ]);
  await writeFile(file!, key + certificate);
  return { key, certificate, file: file! };
}
