import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fileConnectionSchema } from '@lockstep/contract/connection-configuration.ts';
import type { Completeness, Endpoint, RawEntry, ReadRequest, TestStep } from '../../sync/connector.ts';
import { fileConnector } from './connector.ts';

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'lockstep-file-source-'));
});
afterAll(() => rm(directory, { recursive: true }));

async function open(name: string, contents?: string | Buffer): Promise<Endpoint> {
  if (contents !== undefined) await writeFile(join(directory, name), contents);
  const settings = fileConnectionSchema.parse({ type: 'file', path: name });
  return fileConnector.open(settings, { baseDirectory: directory, secret: () => undefined });
}

function request(nodes: readonly string[], given: Partial<ReadRequest> = {}): ReadRequest {
  return {
    scopes: nodes.map((node) => ({ node })),
    attributes: { user: ['telephoneNumber'], organizationalUnit: [], group: [] },
    memberships: true,
    signal: new AbortController().signal,
    ...given,
  };
}

async function readAll(
  endpoint: Endpoint,
  what: ReadRequest,
): Promise<{ entries: RawEntry[]; end: Completeness }> {
  const reading = endpoint.read(what);
  const entries: RawEntry[] = [];
  for (;;) {
    const step = await reading.next();
    if (step.done === true) return { entries, end: step.value };
    entries.push(...step.value);
  }
}

function ids(entries: readonly RawEntry[]): string[] {
  return entries.map((entry) => entry.externalId);
}

const ldif = `version: 1

dn: dc=example,dc=com
objectClass: domain
dc: example

dn: ou=People,dc=example,dc=com
objectClass: organizationalUnit
ou: People

dn: ou=Inner,ou=People,dc=example,dc=com
objectClass: organizationalUnit
ou: Inner

dn: uid=jdoe,ou=Inner,ou=People,dc=example,dc=com
objectClass: inetOrgPerson
uid: JDoe
TELEPHONENUMBER: +1

dn: cn=staff\\,ou=People,dc=example,dc=com
objectClass: groupOfNames
cn: staff,ou=People
member: uid=JDOE, ou=inner, ou=people, dc=example, dc=com
member: cn=staff\\,ou=People,dc=example,dc=com
`;

describe('LDIF', () => {
  test('reads what lies below the node, with parents up to it', async () => {
    const endpoint = await open('tree.ldif', ldif);
    const { entries, end } = await readAll(endpoint, request(['dc=example,dc=com']));
    expect(end).toEqual({ complete: true, warnings: [] });
    expect(entries.map((entry) => entry.kind)).toEqual([
      'organizationalUnit',
      'organizationalUnit',
      'user',
      'group',
    ]);
    const jdoe = entries[2]?.decode();
    expect(jdoe).toMatchObject({
      reference: 'uid=jdoe,ou=inner,ou=people,dc=example,dc=com',
      alias: 'uid:jdoe',
      parents: ['ou=inner,ou=people,dc=example,dc=com', 'ou=people,dc=example,dc=com'],
      attributes: { telephoneNumber: ['+1'] },
    });
    expect(entries[3]?.decode().members).toEqual([jdoe?.reference]);
  });

  test('a scope holds neither its node nor a name that only looks like being below it', async () => {
    const endpoint = await open('tree.ldif', ldif);
    const { entries } = await readAll(endpoint, request(['OU=people, dc=example,dc=com']));
    expect(ids(entries)).toEqual([
      'ou=inner,ou=people,dc=example,dc=com',
      'uid=jdoe,ou=inner,ou=people,dc=example,dc=com',
    ]);
    expect(entries[0]?.decode().parents).toEqual([]);
  });

  test('equal bytes, equal fingerprint; a changed byte, another', async () => {
    const first = await readAll(await open('a.ldif', ldif), request(['']));
    const second = await readAll(await open('b.ldif', ldif.replace('+1', '+2')), request(['']));
    const same = first.entries.map(
      ({ fingerprint }, index) => fingerprint === second.entries[index]?.fingerprint,
    );
    expect(same).toEqual([true, true, false, true]);
    expect(first.entries[0]?.fingerprint).toMatch(/^[0-9a-f]{32}$/);
  });
});

const jsonl = [
  '{"kind":"user","id":"u1","parent":"b","name":"jdoe","attributes":{"mail":["a@x","b@x"],"photo":{"$base64":"/9j/"}}}',
  '{"kind":"organizationalUnit","id":"b","parent":"a","name":"B"}',
  '{"kind":"organizationalUnit","id":"a","name":"A"}',
  '{"kind":"user","id":"u2","name":"top","enabled":false}',
  '{"kind":"group","id":"g","parent":"a","name":"G","members":["u1","u1","u2","nobody"]}',
  '',
].join('\n');

describe('JSON Lines', () => {
  test('places objects by ids, whatever their order', async () => {
    const { entries, end } = await readAll(await open('a.jsonl', jsonl), request(['']));
    expect(end.complete).toBe(true);
    const objects = Object.fromEntries(entries.map((entry) => [entry.externalId, entry.decode()]));
    expect(objects['u1']).toMatchObject({
      parents: ['b', 'a'],
      name: 'jdoe',
      attributes: { mail: ['a@x', 'b@x'], name: ['jdoe'] },
    });
    expect(objects['u1']?.attributes['photo']?.[0]).toEqual(Buffer.from([0xff, 0xd8, 0xff]));
    expect(objects['u2']).toMatchObject({ parents: [], enabled: false });
    expect(objects['g']?.members).toEqual(['u1', 'u2', 'nobody']);
  });

  test('a scope by the id of a unit', async () => {
    const { entries } = await readAll(await open('a.jsonl', jsonl), request(['b', 'a']));
    expect(entries.map((entry) => [entry.externalId, entry.scope, entry.decode().parents])).toEqual([
      ['u1', 0, []],
      ['g', 1, []],
    ]);
  });
});

describe('a file that is not whole', () => {
  const csv = 'kind,id,parent,name,mail\nuser,1,,a,a@x\nuser,2,,b,b@x\nuser,3,,c,c@x\n';
  test.each([
    ['cut.ldif', ldif.slice(0, -20)],
    ['cut.csv', csv.slice(0, -3)],
    ['cut.jsonl', jsonl.slice(0, -20)],
  ])('%s: the read says so, with the line, and still gives what came before', async (name, contents) => {
    const { entries, end } = await readAll(await open(name, contents), request(['']));
    expect(end.complete).toBe(false);
    expect(end.reason).toMatch(/line \d+/);
    expect(entries.length).toBeGreaterThan(0);
  });

  test.each([
    ['broken.ldif', ldif.replace('ou: Inner', 'ou:: %%%'), 4],
    ['broken.csv', csv.replace('user,2', 'nobody,2'), 2],
    ['broken.jsonl', jsonl.replace('"name":"B"', '"name":'), 4],
    ['latin1.ldif', Buffer.from(ldif.replace('ou: Inner', 'ou: Kür'), 'latin1'), 3],
  ])(
    '%s: one broken record does not stop the others, and nothing is believed to be gone',
    async (name, contents, count) => {
      const { entries, end } = await readAll(await open(name, contents), request(['']));
      expect(end.complete).toBe(false);
      expect(end.warnings).toHaveLength(1);
      expect(end.reason).toContain(end.warnings[0] as string);
      expect(entries.length).toBeGreaterThanOrEqual(count - 1);
    },
  );

  test('change records, URLs and a wrong header end the read', async () => {
    for (const [name, contents] of [
      [
        'changes.ldif',
        'dn: uid=a,dc=x\nchangetype: add\nobjectClass: person\n\ndn: uid=b,dc=x\nchangetype: delete\n',
      ],
      ['header.csv', 'user,1,,a,a@x\nuser,2,,b,b@x\n'],
    ] as const) {
      const { entries, end } = await readAll(await open(name, contents), request(['']));
      expect(entries).toEqual([]);
      expect(end).toMatchObject({ complete: false });
    }
  });

  test('an empty file is incomplete as a source and complete as a target', async () => {
    for (const name of ['empty.ldif', 'empty.csv', 'empty.jsonl']) {
      const endpoint = await open(name, '');
      expect((await readAll(endpoint, request(['']))).end.complete).toBe(false);
      expect((await readAll(endpoint, request([''], { asTarget: true }))).end.complete).toBe(true);
    }
  });

  test('a file that says it holds nothing is complete', async () => {
    for (const [name, contents] of [
      ['none.ldif', 'version: 1\n'],
      ['none.csv', 'kind,id,name\n'],
      ['none.jsonl', '\n'],
    ] as const) {
      const { entries, end } = await readAll(await open(name, contents), request(['']));
      expect([entries, end.complete]).toEqual([[], true]);
    }
  });

  test('a file that says nothing at all is incomplete as a source, and complete as a target', async () => {
    for (const [name, contents] of [
      ['comments.ldif', '# extended LDIF\n#\n\n'],
      ['blank.csv', '\n\n'],
    ] as const) {
      const endpoint = await open(name, contents);
      const { end } = await readAll(endpoint, request(['']));
      expect(end).toMatchObject({ complete: false, reason: expect.stringContaining('version: 1') });
      expect((await readAll(endpoint, request([''], { asTarget: true }))).end.complete).toBe(true);
    }
  });

  test('an entry without object classes may be anybody: it is named, and the read is incomplete', async () => {
    const entries = 'dn: uid=a,dc=x\nuid: a\n\ndn: cn=printer,dc=x\nobjectClass: device\ncn: printer\n';
    const endpoint = await open('classless.ldif', entries);
    const { end } = await readAll(endpoint, request(['dc=x']));
    expect(end).toMatchObject({
      complete: false,
      reason: expect.stringContaining('line 1: the kind of uid=a'),
    });
    expect(end.warnings).toEqual([expect.stringContaining('Let the export write objectClass')]);
    expect((await readAll(endpoint, request(['dc=elsewhere']))).end.complete).toBe(true);
  });

  test.each([
    ['gzip', gzipSync(ldif), 'gunzip'],
    ['UTF-16', Buffer.from(`\ufeff${ldif}`, 'utf16le'), 'UTF-8'],
  ])('a file in %s is refused with what to do', async (_, bytes, remedy) => {
    const { end } = await readAll(await open('foreign.ldif', bytes), request(['']));
    expect(end).toMatchObject({ complete: false, reason: expect.stringContaining(remedy) });
  });

  test('a missing file is an error for a source and nothing for a target', async () => {
    const endpoint = await open('missing.ldif');
    await expect(readAll(endpoint, request(['']))).rejects.toMatchObject({ code: 'ConnectionFailed' });
    expect((await readAll(endpoint, request([''], { asTarget: true }))).end.complete).toBe(true);
  });

  test('an aborted read ends', async () => {
    const endpoint = await open('tree.ldif', ldif);
    await expect(readAll(endpoint, request([''], { signal: AbortSignal.abort() }))).rejects.toThrow('abort');
  });
});

async function check(path: string): Promise<TestStep[]> {
  const settings = fileConnectionSchema.parse({ type: 'file', path });
  const context = { baseDirectory: directory, secret: () => undefined };
  const seen: TestStep[] = [];
  for await (const step of fileConnector.test(settings, context)) seen.push(step);
  return seen;
}

async function steps(path: string): Promise<string[]> {
  return (await check(path)).map(({ step, ok, detail }) => `${step} ${ok ? 'ok' : `failed: ${detail}`}`);
}

async function details(path: string): Promise<string[]> {
  return (await check(path)).map(({ detail }) => detail);
}

describe('connections test', () => {
  test('a good file, a broken one, a missing directory', async () => {
    await open('tree.ldif', ldif);
    expect(await steps('tree.ldif')).toEqual(['path ok', 'permissions ok', 'parse ok']);
    await open('broken2.ldif', 'dn: uid=a,dc=x\nnonsense\n');
    expect((await steps('broken2.ldif'))[2]).toContain('parse failed: line 2');
    expect(await details('new.ldif')).toEqual([
      `${join(directory, 'new.ldif')} does not exist yet: an egress makes it, an ingress fails`,
      'can be written',
      'nothing to read',
    ]);
    const missing = await steps('nowhere/out.ldif');
    expect(missing).toHaveLength(1);
    expect(missing[0]).toContain('does not exist');
  });
});

function table(parent: string): string {
  return `kind,id,parent,name\norganizationalUnit,ou-1,,Sales\nuser,u-1,ou-1,jdoe\nuser,u-2,${parent},eve\n`;
}

describe('a parent that the file does not have', () => {
  test('fails its record alone, with line and remedy, and is seen', async () => {
    const { entries, end } = await readAll(await open('lost.csv', table('ou-9')), request(['']));
    expect(ids(entries)).toEqual(['ou-1', 'u-1', 'u-2']);
    expect(end).toEqual({ complete: true, warnings: [] });
    expect(entries[1]?.decode().parents).toEqual(['ou-1']);
    const refused = { code: 'ParentNotFound', remedy: expect.stringContaining('Add a record of the unit') };
    expect(() => entries[2]?.decode()).toThrow(expect.objectContaining(refused));
    expect(() => entries[2]?.decode()).toThrow('line 4: the parent of u-2, ou-9, is no organizational unit');
  });

  test('changes the fingerprint when it comes and goes, though the record stays the same', async () => {
    const lost = await readAll(await open('comes.csv', table('ou-9')), request(['']));
    const unit = 'organizationalUnit,ou-9,,Lost and found\n';
    const found = await readAll(await open('comes.csv', table('ou-9') + unit), request(['']));
    const fingerprints = [lost, found].map(({ entries }) => entries.map(({ fingerprint }) => fingerprint));
    expect(fingerprints[1]?.slice(0, 2)).toEqual(fingerprints[0]?.slice(0, 2));
    expect(fingerprints[1]?.[2]).not.toBe(fingerprints[0]?.[2]);
    expect(found.entries[2]?.decode().parents).toEqual(['ou-9']);
  });

  test('leaves it open whether the record is in a scope: the read is incomplete', async () => {
    const { entries, end } = await readAll(await open('scoped.csv', table('ou-9')), request(['ou-1']));
    expect(ids(entries)).toEqual(['u-1']);
    expect(end).toMatchObject({ complete: false, reason: expect.stringContaining('ou-9') });
    expect(end.warnings).toHaveLength(1);
  });

  test('is a user or a group in JSON Lines: no unit either', async () => {
    const lines = '{"kind":"user","id":"a","name":"a"}\n{"kind":"user","id":"b","parent":"a","name":"b"}\n';
    const { entries } = await readAll(await open('lost.jsonl', lines), request(['']));
    expect(() => entries[1]?.decode()).toThrow('line 2: the parent of b, a, is no organizational unit');
  });
});
