import { isUtf8 } from 'node:buffer';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { secretFields } from '@lockstep/contract/connection-configuration.ts';
import { configurationSchema } from '@lockstep/contract/configuration.ts';
import type { ConnectionConfiguration } from '@lockstep/contract/connection-configuration.ts';
import { partSecretFields } from '@lockstep/contract/secret-fields.ts';
import { LockstepError } from '../kernel/errors.ts';
import type { Problem } from '../kernel/errors.ts';
import { parseField, valueAt } from './field-path.ts';
import type { LoadedConfiguration, LoadedConnection } from './loaded.ts';
import { checkReferences } from './references.ts';
import { checkShape } from './shape.ts';
import type { Environment } from './substitute.ts';
import { YamlSource } from './yaml-source.ts';

function readSecret(source: YamlSource, baseDirectory: string, path: string[], file: string): string {
  try {
    const bytes = readFileSync(resolve(baseDirectory, file));
    const secret = bytes.toString('utf8').replace(/\r?\n$/, '');
    if (secret === '')
      source.refuse(path, `${file} is empty`, 'Write the secret into it.', { code: 'SecretNotFound' });
    if (!isUtf8(bytes)) source.refuse(path, `${file} is not UTF-8`, 'Write the secret in UTF-8.');
    return secret;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    const remedy = `Make ${resolve(baseDirectory, file)} readable, or correct the path.`;
    source.refuse(path, `the secret's file cannot be read (${code})`, remedy, { code: 'SecretNotFound' });
    return '';
  }
}

/** Reads each secret file, also of a connection that is wrong in other ways. */
function readSecrets(source: YamlSource, baseDirectory: string, name: string): Record<string, string> {
  const secrets: Record<string, string> = {};
  const type = valueAt(source.value, ['connections', name, 'type']);
  const fields =
    typeof type === 'string' && Object.hasOwn(secretFields, type) ? secretFields[type as 'ldap'] : [];
  for (const field of fields) {
    const path = ['connections', name, ...field.split('.')];
    const written = valueAt(source.value, path);
    const file = valueAt(written, ['file']);
    if (typeof written === 'string') secrets[field] = written;
    else if (typeof file === 'string') secrets[field] = readSecret(source, baseDirectory, path, file);
  }
  return secrets;
}

function withoutSecrets(connection: ConnectionConfiguration): Record<string, unknown> {
  return partSecretFields(connection, secretFields[connection.type]).settings;
}

function renderProblem({ position, field, message, remedy }: Problem): string {
  const place = `${position.file}:${position.line}:${position.column}`;
  return `${place}: ${field === '' ? '' : `${field}: `}${message}. ${remedy}`;
}

function refusal(problems: readonly Problem[]): LockstepError {
  const sorted = problems.toSorted(
    (left, right) => left.position.line - right.position.line || left.position.column - right.position.column,
  );
  const [first] = sorted;
  if (first === undefined) throw new Error('a refusal needs a problem');
  const codes = new Set(sorted.map((problem) => problem.code));
  const heading = sorted.length === 1 ? '' : `${sorted.length} problems:\n`;
  return new LockstepError(
    codes.size === 1 ? first.code : 'InvalidConfiguration',
    heading + sorted.map(renderProblem).join('\n'),
    { field: first.field, remedy: first.remedy, position: first.position, problems: sorted },
  );
}

/**
 * Parses a configuration and checks all that can be checked without the connected systems.
 * @param options.file names the text in errors.
 * @param options.baseDirectory is where relative paths of secrets start.
 * @throws LockstepError InvalidConfiguration (or the one code that all faults share: SecretNotFound, InvalidExpression,
 * InvalidSchedule) with every fault in `problems`, each with file, line, column, field and remedy.
 */
export function parseConfiguration(
  text: string,
  options: { readonly file: string; readonly baseDirectory: string; readonly environment: Environment },
): LoadedConfiguration {
  const { file, baseDirectory, environment } = options;
  const source = new YamlSource(text, file, environment);
  const secrets = new Map<string, Record<string, string>>();
  if (source.value !== undefined) {
    checkShape(source);
    checkReferences(source);
    for (const name of source.keysOf(['connections']))
      secrets.set(name, readSecrets(source, baseDirectory, name));
  }
  if (source.problems.length > 0) throw refusal(source.problems);
  const parsed = configurationSchema.parse(source.value);
  return {
    file,
    baseDirectory,
    positionOf: (field) => ({ file, ...source.positionOf(parseField(source.value, field)) }),
    connections: source.keysOf(['connections']).flatMap((name): LoadedConnection[] => {
      const connection = parsed.connections[name];
      if (connection === undefined) return [];
      const { type } = connection;
      return [{ name, type, settings: withoutSecrets(connection), secrets: secrets.get(name) ?? {} }];
    }),
    syncs: source.keysOf(['syncs']).flatMap((name) => {
      const settings = parsed.syncs[name];
      return settings === undefined ? [] : [{ name, settings }];
    }),
    precedence: parsed.precedence ?? {},
    authZones: source.keysOf(['authZones']).flatMap((name) => {
      const settings = parsed.authZones[name];
      return settings === undefined ? [] : [{ name, settings }];
    }),
  };
}

/** Read as UTF-8 all the same, a letter of another encoding would be lost, and with it a password or a name. */
function decode(bytes: Buffer, file: string): string {
  const text = bytes.toString('utf8');
  if (isUtf8(bytes)) return text;
  const before = text.slice(0, text.indexOf('\uFFFD')).split('\n');
  throw refusal([
    {
      code: 'InvalidConfiguration',
      message: 'the file is not UTF-8 from here on',
      remedy: 'Save it as UTF-8.',
      field: '',
      position: { file, line: before.length, column: (before.at(-1)?.length ?? 0) + 1 },
    },
  ]);
}

/** Loads a configuration file. @throws LockstepError as parseConfiguration does, or when the file cannot be read. */
export async function loadConfiguration(
  file: string,
  environment: Environment,
): Promise<LoadedConfiguration> {
  let bytes: Buffer;
  try {
    bytes = await readFile(file);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    throw new LockstepError(
      'InvalidConfiguration',
      `the configuration file ${file} cannot be read (${code})`,
      {
        remedy: 'Name an existing, readable file with -f.',
        cause: error,
      },
    );
  }
  return parseConfiguration(decode(bytes, file), {
    file,
    baseDirectory: dirname(resolve(file)),
    environment,
  });
}
