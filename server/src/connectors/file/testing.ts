import { access, constants } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { FileConnection } from '@lockstep/contract/connection-configuration.ts';
import { LockstepError } from '../../kernel/errors.ts';
import type { ConnectorContext, TestStep } from '../../sync/connector.ts';
import { resolveSettings, type FileSettings } from './config.ts';
import { startReading } from './format.ts';
import { openRegular } from './opening.ts';
import { resolveTarget } from './paths.ts';
import { readRecords } from './record-stream.ts';

/** Steps `path`, `permissions`, `parse`; ends after the first that fails. */
export async function* testFile(
  settings: FileConnection,
  context: ConnectorContext,
): AsyncGenerator<TestStep, void> {
  let resolved: FileSettings | undefined;
  const steps: readonly (readonly [string, () => Promise<string>])[] = [
    ['path', async () => checkPath((resolved = resolveSettings(settings, context)))],
    ['permissions', async () => checkPermissions(resolved as FileSettings)],
    ['parse', async () => checkContents(resolved as FileSettings)],
  ];
  for (const [step, run] of steps) {
    const result = await runStep(step, run);
    yield result;
    if (!result.ok) return;
  }
}

async function runStep(step: string, run: () => Promise<string>): Promise<TestStep> {
  try {
    return { step, ok: true, detail: await run() };
  } catch (error) {
    if (!(error instanceof LockstepError)) throw error;
    return { step, ok: false, detail: error.message, remedy: error.remedy };
  }
}

/** As a target the file may be missing; its directory may not. */
async function checkPath({ path }: FileSettings): Promise<string> {
  const opened = await openRegular(path, true);
  if (opened === null) {
    await resolveTarget(path, 'test');
    return `${path} does not exist yet: an egress makes it, an ingress fails`;
  }
  await opened.handle.close();
  return `${path}, ${opened.size} bytes`;
}

async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

async function checkPermissions({ path }: FileSettings): Promise<string> {
  const directory = dirname(path);
  const writable = await access(directory, constants.W_OK).then(
    () => true,
    () => false,
  );
  if (!(await isThere(path))) {
    if (writable) return 'can be written';
    throw new LockstepError(
      'InvalidConfiguration',
      `${directory} cannot be written, and ${path} does not exist`,
      {
        remedy: `Make the file, or let Lockstep write into ${directory}.`,
      },
    );
  }
  return writable
    ? 'can be read and replaced'
    : `can be read; ${directory} cannot be written, so it is no target`;
}

const mostRecords = 20_000;

async function checkContents(settings: FileSettings): Promise<string> {
  const opened = await openRegular(settings.path, true);
  if (opened === null) return 'nothing to read';
  const counts: Record<string, number> = {};
  let total = 0;
  try {
    for await (const results of readRecords(
      opened.handle,
      startReading(settings),
      new AbortController().signal,
    )) {
      for (const result of results) {
        if (!result.ok) throw result.error;
        counts[result.record.kind] = (counts[result.record.kind] ?? 0) + 1;
      }
      total += results.length;
      if (total >= mostRecords) break;
    }
  } finally {
    await opened.handle.close();
  }
  const parts = Object.entries(counts).map(([kind, count]) => `${count} ${kind}`);
  return `${total >= mostRecords ? 'it begins with ' : ''}${parts.join(', ') || 'no objects'}`;
}
