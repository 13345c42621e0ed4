import { Option } from 'commander';

/** `--log-level` of the commands that go on running. */
export function logLevelOption(): Option {
  return new Option('--log-level <level>', 'what goes to standard error, as lines of JSON')
    .choices(['trace', 'debug', 'info', 'warn', 'error'])
    .default('warn');
}
