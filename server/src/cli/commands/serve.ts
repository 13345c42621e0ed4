import { Command } from 'commander';
import type { LogLevel } from '../../telemetry/log.ts';
import { LockstepError } from '../../kernel/errors.ts';
import { loadConfiguration } from '../configuration-file.ts';
import { logLevelOption } from '../log-level-option.ts';
import { note, print } from '../output.ts';
import { terminated } from '../signals.ts';
import { locateStore, withInstallationOptions, type StoreOptions } from '../store-location.ts';

interface ServeOptions extends StoreOptions {
  readonly listen: string;
  readonly file?: string;
  readonly logLevel: LogLevel;
  readonly publicUrl?: string;
  readonly keepImages: string;
  readonly keepJobs: string;
}

/** `HOST:PORT`, with an IPv6 address in brackets. Throws LockstepError(InvalidRequest). */
export function parseListen(text: string): { host: string; port: number } {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (host === undefined || port > 65_535) {
    throw new LockstepError('InvalidRequest', `"${text}" is no address to listen on.`, {
      field: '--listen',
      remedy: 'Give HOST:PORT, for example 127.0.0.1:7700 or [::1]:7700; port 0 takes a free one.',
    });
  }
  return { host, port };
}

/** An address without a query, as proxies show it to clients. Throws LockstepError(InvalidRequest). */
export function parsePublicUrl(text: string): string {
  const url = URL.parse(text);
  if (url !== null && /^https?:$/.test(url.protocol) && !/[?#\s]/.test(text)) return text.replace(/\/+$/, '');
  throw new LockstepError('InvalidRequest', `"${text}" is no address of an API.`, {
    field: '--public-url',
    remedy: 'Give what clients call, for example https://lockstep.example.',
  });
}

/** A number of days, undefined for `forever`; `field` is the option. Throws LockstepError(InvalidRequest). */
export function parseDays(text: string, field: string): number | undefined {
  if (text === 'forever') return undefined;
  if (/^[1-9]\d{0,4}$/.test(text)) return Number(text);
  throw new LockstepError('InvalidRequest', `"${text}" is no number of days.`, {
    field,
    remedy: 'Give a whole number from 1 to 99999, or "forever".',
  });
}

async function serve(options: ServeOptions): Promise<void> {
  const listen = parseListen(options.listen);
  const publicUrl = options.publicUrl === undefined ? undefined : parsePublicUrl(options.publicUrl);
  const retention = {
    imageDays: parseDays(options.keepImages, '--keep-images'),
    jobDays: parseDays(options.keepJobs, '--keep-jobs'),
  };
  const location = locateStore(options, options.file);
  if (location.type === 'embedded' && (process.env.LOCKSTEP_DATABASE_URL ?? '') !== '')
    note('--data is given: the store is an embedded one, and $LOCKSTEP_DATABASE_URL is not used.');
  const given = options.file === undefined ? undefined : await loadConfiguration(options.file);
  const { openLocalRuntime } = await import('../local-runtime.ts');
  const end = terminated();
  await using runtime = await openLocalRuntime(location, {
    worker: true,
    schedules: true,
    listen,
    logLevel: options.logLevel,
    retention,
    ...(publicUrl === undefined ? {} : { publicUrl }),
  });
  if (given !== undefined)
    await given.placing(runtime.client.call('applyConfiguration', { body: given.configuration }));
  print(`listening on ${runtime.url}`);
  const ended = await Promise.race([end, ...(runtime.failed === undefined ? [] : [runtime.failed])]);
  if (ended instanceof LockstepError) throw ended;
}

/** `lockstep serve` */
export function serveCommand(): Command {
  return withInstallationOptions(new Command('serve'), 'configurationFile')
    .description('serve API and console, run jobs and schedules; says "listening on URL" when ready')
    .option('--listen <host:port>', 'address to listen on; port 0 takes a free one', '127.0.0.1:7700')
    .option('--public-url <url>', 'where clients reach this server, if not where they say that they do')
    .option('-f, --file <file>', 'configuration file to apply at start')
    .option(
      '--keep-images <days>',
      'days for which values from before and after each change are kept, for history and undo, or "forever"',
      '90',
    )
    .option(
      '--keep-jobs <days>',
      'days for which ended jobs are kept, with what became of each object, or "forever"; the last one of a sync stays',
      '400',
    )
    .addOption(logLevelOption())
    .addHelpText(
      'after',
      `
A new store gets tenant "default" and an administrator, whose credentials are in DIR/admin.json.

Example:
  $ bin/lockstep serve --data ./data --listen 127.0.0.1:7700 -f lockstep.yaml`,
    )
    .action(serve);
}
