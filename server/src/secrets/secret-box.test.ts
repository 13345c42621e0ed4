import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { loadSecretBox } from './master-key.ts';
import { equalInConstantTime, SecretBox } from './secret-box.ts';

describe('secret box', () => {
  const box = new SecretBox(randomBytes(32));

  test('opens what it sealed, whatever the text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.string(), (plain, context) => {
        expect(box.open(box.seal(plain, context), context)).toBe(plain);
      }),
    );
  });

  test('seals the same text differently each time, and shows nothing of it', () => {
    const sealed = box.seal('correct horse battery staple', 'idp_1');
    expect(sealed.equals(box.seal('correct horse battery staple', 'idp_1'))).toBe(false);
    expect(sealed.includes('horse')).toBe(false);
  });

  test('another context, another key and every changed byte are refused', () => {
    const sealed = box.seal('secret', 'idp_1');
    expect(() => box.open(sealed, 'idp_2')).toThrow(
      expect.objectContaining({ code: 'InvalidConfiguration' }),
    );
    expect(() => new SecretBox(randomBytes(32)).open(sealed, 'idp_1')).toThrow(/another master key/);
    expect(() => new SecretBox(randomBytes(32)).open(sealed, 'idp_1', 'connection "hr"')).toThrow(
      /^The secret of connection "hr" was sealed with another master key/,
    );
    for (let index = 0; index < sealed.length; index += 1) {
      const changed = Buffer.from(sealed);
      changed.writeUInt8((changed[index] ?? 0) ^ 1, index);
      expect(() => box.open(changed, 'idp_1'), `byte ${index}`).toThrow(
        expect.objectContaining({ code: 'InvalidConfiguration' }),
      );
      expect(() => box.open(sealed.subarray(0, index), 'idp_1'), `length ${index}`).toThrow(
        expect.objectContaining({ code: 'InvalidConfiguration' }),
      );
    }
  });

  test('compares texts and bytes of any length', () => {
    expect(equalInConstantTime('token', Buffer.from('token'))).toBe(true);
    expect(equalInConstantTime('token', 'toke')).toBe(false);
    expect(equalInConstantTime('', 'a')).toBe(false);
  });
});

describe('master key', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lockstep-key-'));
  });
  afterEach(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  test('one is made beside the data, for its owner only, and used again', async () => {
    const [first, second] = await Promise.all([
      loadSecretBox({ environment: {}, folder }),
      loadSecretBox({ environment: {}, folder }),
    ]);
    expect(second.open(first.seal('secret', 'c'), 'c')).toBe('secret');
    expect((await stat(join(folder, 'master.key'))).mode & 0o777).toBe(0o600);
    expect(await readdir(folder)).toEqual(['master.key']);
  });

  test('a key file comes before the environment, and the environment before the directory', async () => {
    const path = join(folder, 'chosen.key');
    const [inFile, inEnvironment] = [randomBytes(32).toString('hex'), randomBytes(32).toString('base64')];
    await writeFile(path, `${inFile}\n`);
    const fromFile = await loadSecretBox({ environment: {}, keyFile: path });
    const environment = { LOCKSTEP_KEY: inEnvironment };
    const both = await loadSecretBox({ environment, keyFile: path, folder });
    const fromEnvironment = await loadSecretBox({ environment, folder });
    expect(both.keyId).toEqual(fromFile.keyId);
    expect(fromEnvironment.keyId).not.toEqual(fromFile.keyId);
    expect(await readdir(folder)).toEqual(['chosen.key']);
  });

  test('none is made for a store that has been worked with', async () => {
    const sources = { environment: {}, folder, isInUse: true };
    await expect(loadSecretBox(sources)).rejects.toMatchObject({
      code: 'InvalidConfiguration',
      field: '--key-file',
    });
    expect(await readdir(folder)).toEqual([]);
  });

  test('a missing or malformed key is refused and never replaced', async () => {
    const sources = { environment: {}, folder };
    await writeFile(join(folder, 'master.key'), 'short\n');
    await expect(loadSecretBox(sources)).rejects.toMatchObject({ code: 'InvalidConfiguration' });
    expect(await readFile(join(folder, 'master.key'), 'utf8')).toBe('short\n');
    await expect(loadSecretBox({ environment: {}, keyFile: join(folder, 'none') })).rejects.toMatchObject({
      code: 'InvalidConfiguration',
    });
    await expect(loadSecretBox({ environment: {} })).rejects.toMatchObject({ field: '--key-file' });
  });
});
