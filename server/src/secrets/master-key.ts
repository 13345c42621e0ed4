import { hkdfSync, randomBytes } from 'node:crypto';
import { link, open, readFile, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { LockstepError } from '../kernel/errors.ts';
import { SecretBox } from './secret-box.ts';

/** Where the master key may come from; the first that is given counts. */
export interface MasterKeySources {
  /** `--key-file`. */
  readonly keyFile?: string | undefined;
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Where `master.key` is kept, and made at the first start. */
  readonly folder?: string | undefined;
  /** The store has been worked with: a key that is made now would open none of its secrets. */
  readonly isInUse?: boolean | undefined;
}

const keyLength = 32;
const remedy = 'Make one with: openssl rand -base64 32';

/** A key as text: base64 or hexadecimal of 32 bytes. */
export function parseMasterKey(text: string, origin: string): Buffer {
  const trimmed = text.trim();
  const key = /^[0-9a-f]{64}$/i.test(trimmed) ? Buffer.from(trimmed, 'hex') : Buffer.from(trimmed, 'base64');
  const wellFormed = /^(?:[0-9a-f]{64}|[A-Za-z0-9+/_-]{43}=?)$/i.test(trimmed);
  if (wellFormed && key.length === keyLength) return key;
  throw new LockstepError(
    'InvalidConfiguration',
    `The master key in ${origin} is not 32 bytes in base64 or hexadecimal`,
    {
      remedy,
    },
  );
}

async function readKeyFile(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    if (cause instanceof Error && (cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new LockstepError(
      'InvalidConfiguration',
      `The master key ${path} cannot be read: ${String(cause)}`,
      { cause },
    );
  }
}

async function writeDurably(path: string, text: string): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Makes the file whole or not at all, and never over one that is there: without it no secret can be read again. */
async function makeKeyFile(path: string): Promise<void> {
  const temporary = `${path}.${randomBytes(6).toString('hex')}`;
  await writeDurably(temporary, `${randomBytes(keyLength).toString('base64')}\n`);
  try {
    await link(temporary, path);
  } catch (error) {
    if (!(error instanceof Error) || (error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    await unlink(temporary);
  }
}

function refuseNewKey(path: string): never {
  throw new LockstepError(
    'InvalidConfiguration',
    `There is no master key ${path}, and the store holds secrets that were sealed with one`,
    {
      field: '--key-file',
      remedy: `Copy the key that was used there, or name it. If it is lost, make a new one (openssl rand -base64 32 > ${path}) and enter all secrets again.`,
    },
  );
}

async function loadKey({
  keyFile,
  environment = process.env,
  folder,
  isInUse = false,
}: MasterKeySources): Promise<Buffer> {
  if (keyFile !== undefined) {
    const text = await readKeyFile(keyFile);
    if (text !== undefined) return parseMasterKey(text, keyFile);
    throw new LockstepError('InvalidConfiguration', `There is no key file ${keyFile}`, {
      field: '--key-file',
      remedy,
    });
  }
  const variable = environment['LOCKSTEP_KEY'];
  if (variable !== undefined && variable !== '') return parseMasterKey(variable, 'LOCKSTEP_KEY');
  if (folder === undefined) {
    throw new LockstepError(
      'InvalidConfiguration',
      'A store on a server needs a master key for its secrets',
      {
        field: '--key-file',
        remedy: `Give every process the same one by --key-file or LOCKSTEP_KEY. ${remedy}`,
      },
    );
  }
  const path = join(folder, 'master.key');
  if ((await readKeyFile(path)) === undefined) {
    if (isInUse) refuseNewKey(path);
    await makeKeyFile(path);
  }
  return parseMasterKey((await readKeyFile(path)) ?? '', path);
}

/**
 * Opens the box for secrets with the master key of this installation.
 * @throws LockstepError InvalidConfiguration when there is none, or it is malformed
 */
export async function loadSecretBox(sources: MasterKeySources): Promise<SecretBox> {
  const master = await loadKey(sources);
  return new SecretBox(Buffer.from(hkdfSync('sha256', master, '', 'lockstep secrets v1', keyLength)));
}
