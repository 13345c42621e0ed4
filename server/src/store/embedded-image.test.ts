import { chmod, mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { keepImage, takeImage } from './embedded-image.ts';

let folder: string;
let cache: string;
let data: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lockstep-image-'));
  cache = join(folder, 'cache', 'lockstep');
  data = join(folder, 'data');
  await mkdir(join(data, 'base'), { recursive: true });
  await writeFile(join(data, 'PG_VERSION'), '18\n');
  await writeFile(join(data, 'base', '1'), 'rows');
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

test('an image is kept under its key and taken whole', async () => {
  expect(await takeImage('one', join(folder, 'new'), cache)).toBe(false);
  await keepImage('one', data, cache);
  expect(await takeImage('two', join(folder, 'new'), cache)).toBe(false);
  expect(await takeImage('one', join(folder, 'new'), cache)).toBe(true);
  expect(await readFile(join(folder, 'new', 'base', '1'), 'utf8')).toBe('rows');
  expect(await readdir(cache)).toEqual(['pgdata-one']);
});

test('several that keep the same image at once leave one and no rest', async () => {
  await Promise.all([
    keepImage('one', data, cache),
    keepImage('one', data, cache),
    keepImage('one', data, cache),
  ]);
  expect(await readdir(cache)).toEqual(['pgdata-one']);
});

test('a place that cannot be written is done without', async () => {
  await writeFile(join(folder, 'file'), '');
  await keepImage('one', data, join(folder, 'file', 'cache'));
  expect(await takeImage('one', join(folder, 'new'), join(folder, 'file', 'cache'))).toBe(false);
});

test('an image that others may write is not trusted', async () => {
  await keepImage('one', data, cache);
  await chmod(cache, 0o777);
  expect(await takeImage('one', join(folder, 'new'), cache)).toBe(false);
});

test('images of other keys go when nobody has used them for a week', async () => {
  await keepImage('old', data, cache);
  await keepImage('recent', data, cache);
  const past = new Date(Date.now() - 8 * 24 * 3_600_000);
  await utimes(join(cache, 'pgdata-old'), past, past);
  await keepImage('one', data, cache);
  expect((await readdir(cache)).toSorted()).toEqual(['pgdata-one', 'pgdata-recent']);
});
