import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { renderOpenApi } from '@lockstep/contract/openapi.ts';
import packageJson from '../package.json' with { type: 'json' };
import { configurationJsonSchema } from '../server/src/config/json-schema.ts';
import { renderAuthentikOperations } from './generated/authentik-operations.ts';
import { renderEiamTable } from './generated/eiam-table.ts';
import { renderErrorTable } from './generated/error-table.ts';
import { renderFieldReference } from './generated/field-reference.ts';
import { renderMappingFunctions } from './generated/mapping-functions.ts';
import { renderMerakiOperations } from './generated/meraki-operations.ts';

/** A file that is generated, or of which a part is. Add one here and `--check` covers it. */
interface GeneratedFile {
  /** From the root of the repository. */
  readonly path: string;
  /** The whole text; `current` is what the file holds now, for files of which a part is written by hand. */
  readonly render: (current: string) => string | Promise<string>;
}

/** Replaces what stands between `<!-- generated:NAME -->` and `<!-- /generated:NAME -->`. */
function replacePart(current: string, name: string, text: string): string {
  const begin = `<!-- generated:${name} -->`;
  const end = `<!-- /generated:${name} -->`;
  const from = current.indexOf(begin);
  const to = current.indexOf(end);
  if (from < 0 || to < from) throw new Error(`the marks of ${name} are missing`);
  return `${current.slice(0, from + begin.length)}\n\n${text}\n${current.slice(to)}`;
}

const generatedFiles: readonly GeneratedFile[] = [
  { path: 'contract/lockstep.schema.json', render: () => JSON.stringify(configurationJsonSchema) },
  { path: 'contract/openapi.json', render: () => JSON.stringify(renderOpenApi(packageJson.version)) },
  { path: 'docs/errors.md', render: renderErrorTable },
  {
    path: 'docs/configuration.md',
    render: (current) => replacePart(current, 'fields', renderFieldReference()),
  },
  {
    path: 'docs/mapping.md',
    render: (current) => replacePart(current, 'functions', renderMappingFunctions()),
  },
  {
    path: 'docs/surfaces.md',
    render: (current) => {
      const withEiam = replacePart(current, 'eiam', renderEiamTable());
      const withMeraki = replacePart(withEiam, 'meraki', renderMerakiOperations());
      return replacePart(withMeraki, 'authentik', renderAuthentikOperations());
    },
  },
];

async function readCurrent(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return '';
    throw error;
  }
}

/** Renders every file. @returns those whose text is not what it should be. */
async function staleFiles(root: string): Promise<{ path: string; text: string }[]> {
  const stale: { path: string; text: string }[] = [];
  for (const { path, render } of generatedFiles) {
    const file = join(root, path);
    const current = await readCurrent(file);
    const options = await resolveConfig(file);
    const text = await format(await render(current), { ...options, filepath: file });
    if (text !== current) stale.push({ path, text });
  }
  return stale;
}

const root = join(import.meta.dirname, '..');
const stale = await staleFiles(root);
if (process.argv.includes('--check')) {
  for (const { path } of stale) console.error(`${path} is not current: run npm run generate`);
  if (stale.length > 0) process.exitCode = 1;
} else {
  for (const { path, text } of stale) {
    await writeFile(join(root, path), text);
    console.log(`wrote ${path}`);
  }
}
