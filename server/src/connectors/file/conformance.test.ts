import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { fileConnectionSchema } from '@lockstep/contract/connection-configuration.ts';
import {
  targetConformance,
  type ConformanceTarget,
  type SeenObject,
} from '../../../../test/conformance/target-conformance.ts';
import type { AttributeValue } from '../../directory/attributes.ts';
import type { FileFormat } from './config.ts';
import { fileConnector } from './connector.ts';

/** Deliberately simple readers, independent of those under test. */
const readers: Readonly<Record<FileFormat, (text: string) => SeenObject[]>> = {
  ldif: seeLdif,
  csv: seeCsv,
  jsonl: seeJsonl,
};

function put(attributes: Record<string, AttributeValue[]>, name: string, value: AttributeValue): void {
  (attributes[name] ??= []).push(value);
}

function fromBase64(name: string, base64: string): AttributeValue {
  const bytes = Buffer.from(base64, 'base64');
  return /photo/i.test(name) ? bytes : bytes.toString('utf8');
}

function seeLdif(text: string): SeenObject[] {
  const blocks = text.replaceAll('\n ', '').split('\n\n').slice(0, -1);
  return blocks.map((block) => {
    const attributes: Record<string, AttributeValue[]> = {};
    for (const line of block.trim().split('\n')) {
      const [, name = '', base64 = '', value = ''] = /^([^:]+):(:?) ?(.*)$/.exec(line) ?? [];
      put(attributes, name, base64 === '' ? value : fromBase64(name, value));
    }
    const location = String(attributes['dn']?.[0]);
    const members = (attributes['member'] ?? []).map(String).filter((member) => member !== location);
    return { location, attributes, members };
  });
}

function seeJsonl(text: string): SeenObject[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const record = JSON.parse(line) as {
        id: string;
        name: string;
        members?: string[];
        attributes: Record<string, string | { $base64: string } | (string | { $base64: string })[]>;
      };
      const attributes: Record<string, AttributeValue[]> = { name: [record.name] };
      for (const [name, value] of Object.entries(record.attributes)) {
        for (const one of [value].flat())
          put(attributes, name, typeof one === 'string' ? one : Buffer.from(one.$base64, 'base64'));
      }
      return { location: record.id, attributes, members: record.members ?? [] };
    });
}

function seeCsv(text: string): SeenObject[] {
  const rows = [...text.matchAll(/((?:"(?:[^"]|"")*"|[^",\r\n]*)(?:,|\r\n))/g)].map(([cell]) => cell);
  const table: string[][] = [[]];
  for (const cell of rows) {
    const bare = cell.replace(/(,|\r\n)$/, '');
    table.at(-1)?.push(bare.startsWith('"') ? bare.slice(1, -1).replaceAll('""', '"') : bare);
    if (cell.endsWith('\r\n')) table.push([]);
  }
  const [header = [], ...records] = table.filter((row) => row.length > 0);
  return records.map((cells) => {
    const attributes: Record<string, AttributeValue[]> = {};
    for (const [index, name] of header.entries()) {
      if (['id', 'parent', 'name'].includes(name)) {
        attributes[name] = [cells[index] ?? ''];
        continue;
      }
      const values = (cells[index] ?? '').match(/(?:\\[^]|[^|\\])+/g) ?? [];
      for (const value of values) {
        const plain = value.replaceAll(/\\([^])/g, '$1');
        put(attributes, name, value.startsWith('base64:') ? fromBase64(name, value.slice(7)) : plain);
      }
    }
    return {
      location: String(attributes['id']?.[0]),
      attributes,
      members: (attributes['members'] ?? []).map(String),
    };
  });
}

// Every transition ends with an fsync, which memory makes cheap.
const scratch = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

async function makeTarget(format: FileFormat): Promise<ConformanceTarget> {
  const directory = await mkdtemp(join(scratch, 'lockstep-file-'));
  const path = join(directory, `out.${format}`);
  const settings = fileConnectionSchema.parse({
    type: 'file',
    path,
    baseDn: format === 'ldif' ? 'dc=example,dc=com' : '',
  });
  const endpoint = await fileConnector.open(settings, { baseDirectory: directory, secret: () => undefined });
  return {
    endpoint,
    node: fileConnector.rootNode(settings),
    mapping: {
      ingress: fileConnector.defaultMapping('ingress', settings),
      egress: fileConnector.defaultMapping('egress', settings),
    },
    readBack: async () => (existsSync(path) ? readers[format](await readFile(path, 'utf8')) : []),
    async [Symbol.asyncDispose]() {
      const left = await readdir(directory);
      await rm(directory, { recursive: true });
      expect(left.filter((name) => name !== `out.${format}`)).toEqual([]);
    },
  };
}

for (const format of ['ldif', 'csv', 'jsonl'] as const)
  targetConformance(`file, ${format}`, () => makeTarget(format));
