import { spawn } from 'node:child_process';
import {
  chmod,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { fileConnectionSchema, type FileConnection } from '@lockstep/contract/connection-configuration.ts';
import type { Endpoint, TargetChange, TargetOutcome, TargetSession } from '../../sync/connector.ts';
import { fileConnector } from './connector.ts';

const node = 'dc=example,dc=com';
const signal = new AbortController().signal;
let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'lockstep-file-target-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

function open(path: string, given: Partial<FileConnection> = {}): Promise<Endpoint> {
  const settings = fileConnectionSchema.parse({ type: 'file', path, baseDn: node, ...given });
  return fileConnector.open(settings, { baseDirectory: directory, secret: () => undefined });
}

async function openSession(
  path: string,
  job = 'job1',
  given: Partial<FileConnection> = {},
): Promise<TargetSession> {
  return (await open(path, given)).openTarget({ job, scopes: [{ node }] });
}

const blank = {
  ordinal: 1,
  kind: 'user' as const,
  externalId: null,
  location: null,
  parentLocation: null,
  name: null,
  set: {},
  before: {},
};

function create(uid: string, ordinal = 1): TargetChange {
  const set = { objectClass: ['inetOrgPerson'], uid: [uid], cn: [uid], sn: [uid] };
  return { ...blank, ordinal, verb: 'create', parentLocation: node, name: `uid=${uid}`, set };
}

function rename(from: string, to: string, ordinal: number): TargetChange {
  const location = `uid=${from},${node}`;
  return {
    ...blank,
    ordinal,
    verb: 'move',
    location,
    parentLocation: node,
    name: `uid=${to}`,
    set: { uid: [to] },
  };
}

/** The names in `out.ldif`, and behind `<` those of managers. */
async function namesInFile(): Promise<string[]> {
  const text = await readFile(join(directory, 'out.ldif'), 'utf8');
  const found = [...text.matchAll(/^dn: uid=(\w+)|^manager: uid=(\w+)/gm)];
  return found.map(([, who, manager]) => who ?? `< ${manager}`).sort();
}

async function applyAll(
  session: TargetSession,
  ...changes: TargetChange[]
): Promise<readonly TargetOutcome[]> {
  return session.apply(changes, { recovering: false, signal });
}

describe('the file', () => {
  test('is new and complete after finish, not there before, and nothing else is left', async () => {
    const session = await openSession('out.ldif');
    await applyAll(session, create('jdoe'));
    expect(await readdir(directory)).not.toContain('out.ldif');
    await session.finish();
    expect(await readdir(directory)).toEqual(['out.ldif']);
    expect((await stat(join(directory, 'out.ldif'))).mode & 0o777).toBe(0o600);
    expect(await readFile(join(directory, 'out.ldif'), 'utf8')).toMatch(
      /^dn: uid=jdoe,dc=example,dc=com\nentryUUID: [0-9a-f-]{36}\nobjectClass: inetOrgPerson\nuid: jdoe\n/,
    );
  });

  test('is left alone when no change was applied', async () => {
    const path = join(directory, 'out.ldif');
    await writeFile(path, '# by hand\nversion: 1\n');
    await utimes(path, 1, 1);
    const before = await stat(path);
    const idle = await openSession('out.ldif');
    await idle.finish();
    const failing = await openSession('out.ldif');
    const [outcome] = await applyAll(failing, { ...blank, verb: 'delete', location: `uid=nobody,${node}` });
    expect(outcome).toMatchObject({ ok: false, code: 'NotFound' });
    await failing.finish();
    const after = await stat(path);
    expect([after.ino, after.mtimeMs]).toEqual([before.ino, before.mtimeMs]);
    expect(await readdir(directory)).toEqual(['out.ldif']);
  });

  test('keeps its permissions, and what in it is of no kind that Lockstep knows', async () => {
    const path = join(directory, 'out.ldif');
    await writeFile(path, `dn: ${node}\nobjectClass: domain\ndc: example\nx-custom;lang-de: Wert\n`);
    await chmod(path, 0o640);
    const session = await openSession('out.ldif');
    await applyAll(session, create('jdoe'));
    await session.finish();
    expect((await stat(path)).mode & 0o777).toBe(0o640);
    expect(await readFile(path, 'utf8')).toContain(
      `dn: ${node}\nobjectClass: domain\ndc: example\nx-custom;lang-de: Wert\n`,
    );
  });

  test('takes one who is new by a name that another leaves for the one that a third leaves', async () => {
    const first = await openSession('out.ldif', 'job1');
    const made = await applyAll(first, create('ann'), create('bob', 2));
    const [ann, bob] = made.map((outcome) => (outcome.ok ? (outcome.externalId ?? null) : null));
    await first.finish();
    const second = await openSession('out.ldif', 'job2');
    const changes = [
      { ...rename('ann', 'bob', 1), externalId: ann ?? null },
      { ...rename('bob', 'cid', 2), externalId: bob ?? null },
      create('ann', 3),
    ];
    const outcomes = await applyAll(second, ...changes);
    expect(outcomes.map(({ ok }) => ok)).toEqual([true, true, true]);
    await second.finish();
    expect(await namesInFile()).toEqual(['ann', 'bob', 'cid']);
  });

  test('names people by where they are, whoever has their name by now', async () => {
    const ann = create('ann', 2);
    const first = await openSession('out.ldif', 'job1');
    const named = { ...ann, set: { ...ann.set, manager: [`UID=boss, ${node}`] } };
    await applyAll(first, create('boss'), named, rename('boss', 'chief', 3), create('boss', 4));
    await first.finish();
    expect(await namesInFile()).toEqual(['< chief', 'ann', 'boss', 'chief']);
    // What is read from the file follows as well.
    const second = await openSession('out.ldif', 'job2');
    await applyAll(second, rename('chief', 'head', 1), {
      ...blank,
      ordinal: 2,
      verb: 'delete',
      location: `uid=boss,${node}`,
    });
    await second.finish();
    expect(await namesInFile()).toEqual(['< head', 'ann', 'head']);
  });

  test('may be named by symbolic links, which stay', async () => {
    await mkdir(join(directory, 'real'));
    await symlink('real/out.ldif', join(directory, 'first.ldif'));
    await symlink('first.ldif', join(directory, 'second.ldif'));
    const session = await openSession('second.ldif');
    await applyAll(session, create('jdoe'));
    await session.finish();
    expect((await lstat(join(directory, 'second.ldif'))).isSymbolicLink()).toBe(true);
    expect(await readdir(join(directory, 'real'))).toEqual(['out.ldif']);
  });

  test('is not written where it cannot be, and the error says what to do', async () => {
    await expect(openSession('missing/out.ldif')).rejects.toMatchObject({
      code: 'InvalidConfiguration',
      remedy: expect.stringContaining('mkdir'),
    });
    await mkdir(join(directory, 'out.ldif'));
    await expect(openSession('out.ldif')).rejects.toMatchObject({ code: 'ConnectionFailed' });
    await symlink('loop.ldif', join(directory, 'loop.ldif'));
    await expect(openSession('loop.ldif')).rejects.toThrow('leads back to itself');
  });

  test('is not overwritten when somebody else changed it meanwhile', async () => {
    const path = join(directory, 'out.ldif');
    await writeFile(path, 'version: 1\n');
    const session = await openSession('out.ldif');
    await applyAll(session, create('jdoe'));
    await writeFile(path, 'version: 1\n\n# by hand\n');
    await expect(session.finish()).rejects.toMatchObject({ code: 'Conflict' });
    expect(await readFile(path, 'utf8')).toContain('by hand');
    await session[Symbol.asyncDispose]();
  });

  test('is not replaced when it cannot be understood', async () => {
    const path = join(directory, 'out.ldif');
    await writeFile(path, `dn: uid=a,${node}\nobjectClass: person\nnonsense\n`);
    const session = await openSession('out.ldif');
    await expect(applyAll(session, create('jdoe'))).rejects.toMatchObject({ code: 'InvalidRecord' });
    await session[Symbol.asyncDispose]();
    expect(await readFile(path, 'utf8')).toContain('nonsense');
  });

  test('is written in an order that can be loaded, with members that follow moves', async () => {
    const path = join(directory, 'out.ldif');
    const text = ['cn=g,ou=A', 'uid=u,ou=B,ou=A', 'ou=B,ou=A', 'ou=A', 'ou=C']
      .map((name) => {
        const kind = { c: 'groupOfNames', u: 'inetOrgPerson', o: 'organizationalUnit' }[
          name[0] as 'c' | 'u' | 'o'
        ];
        const member = name.startsWith('cn')
          ? `member: UID=U,ou=b,ou=a,${node}\nmember: cn=gone,${node}\n`
          : '';
        return `dn: ${name},${node}\nobjectClass: ${kind}\n${member}`;
      })
      .join('\n');
    await writeFile(path, text);
    const session = await openSession('out.ldif');
    const [moved] = await applyAll(session, {
      ...blank,
      kind: 'organizationalUnit',
      verb: 'move',
      externalId: `ou=a,${node}`,
      location: `ou=A,${node}`,
      parentLocation: `ou=C,${node}`,
      name: 'ou=New',
    });
    expect(moved).toMatchObject({
      ok: true,
      externalId: `ou=new,ou=c,${node}`,
      location: `ou=New,ou=C,${node}`,
    });
    await session.finish();
    const written = await readFile(path, 'utf8');
    expect([...written.matchAll(/^dn: (.*)$/gm)].map(([, dn]) => dn?.replace(`,${node}`, ''))).toEqual([
      'ou=C',
      'ou=New,ou=C',
      'ou=B,ou=New,ou=C',
      'uid=u,ou=B,ou=New,ou=C',
      'cn=g,ou=New,ou=C',
    ]);
    expect(written).toContain(`member: uid=u,ou=B,ou=New,ou=C,${node}\nmember: cn=gone,${node}\n`);
  });

  test('a move below itself is refused', async () => {
    await writeFile(
      join(directory, 'out.ldif'),
      `dn: ou=A,${node}\nobjectClass: organizationalUnit\n\ndn: ou=B,ou=A,${node}\nobjectClass: organizationalUnit\n`,
    );
    const session = await openSession('out.ldif');
    const ou = {
      ...blank,
      kind: 'organizationalUnit' as const,
      verb: 'move' as const,
      location: `ou=A,${node}`,
      name: 'ou=A',
    };
    const outcomes = await applyAll(session, { ...ou, parentLocation: `ou=B,ou=A,${node}` });
    expect(outcomes[0]).toMatchObject({ ok: false, code: 'ParentCycle' });
    await session[Symbol.asyncDispose]();
  });

  test('a parent that is nowhere is refused', async () => {
    const session = await openSession('out.ldif');
    const outcomes = await applyAll(session, { ...create('a'), parentLocation: `ou=Nowhere,${node}` });
    expect(outcomes[0]).toMatchObject({ ok: false, code: 'ParentNotFound' });
    await session[Symbol.asyncDispose]();
  });

  test('without entryUUID an entry is known by its DN', async () => {
    const session = await openSession('out.ldif', 'job1', { entryUuid: false });
    const [outcome] = await applyAll(session, create('JDoe'));
    expect(outcome).toMatchObject({ ok: true, externalId: `uid=jdoe,${node}` });
    await session.finish();
    expect(await readFile(join(directory, 'out.ldif'), 'utf8')).not.toContain('entryUUID');
  });

  test('shows a disabled account by the attribute that the settings name', async () => {
    const disabled = { attribute: 'nsAccountLock', value: 'true' };
    const session = await openSession('out.ldif', 'job1', { disabled });
    await applyAll(session, create('jdoe'));
    await applyAll(session, { ...blank, ordinal: 2, verb: 'disable', location: `uid=jdoe,${node}` });
    await session.finish();
    expect(await readFile(join(directory, 'out.ldif'), 'utf8')).toContain('nsAccountLock: true');
    const again = await openSession('out.ldif', 'job2', { disabled });
    await applyAll(again, { ...blank, verb: 'enable', location: `uid=jdoe,${node}` });
    await again.finish();
    expect(await readFile(join(directory, 'out.ldif'), 'utf8')).not.toContain('nsAccountLock');
    const plain = await openSession('out.ldif', 'job3');
    const [refused] = await applyAll(plain, { ...blank, verb: 'disable', location: `uid=jdoe,${node}` });
    expect(refused).toMatchObject({ ok: false, code: 'TargetRejected' });
    await plain[Symbol.asyncDispose]();
  });
});

describe('scratch', () => {
  test('of another process at work on the same job is not touched', async () => {
    const first = await openSession('out.ldif');
    await applyAll(first, create('a'));
    const second = await openSession('out.ldif');
    await expect(applyAll(second, create('b'))).rejects.toMatchObject({ code: 'Conflict' });
    await first[Symbol.asyncDispose]();
  });

  test('of two jobs that write one file at a time keeps the one from undoing the other', async () => {
    const path = join(directory, 'out.ldif');
    await writeFile(path, 'version: 1\n');
    const sessions = [await openSession('out.ldif', 'one'), await openSession('out.ldif', 'two')];
    await Promise.all(sessions.map((session, at) => applyAll(session, create(`u${at}`))));
    const ends = await Promise.allSettled(sessions.map((session) => session.finish()));
    expect(ends.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
    const written = ends.findIndex(({ status }) => status === 'fulfilled');
    expect(ends[1 - written]).toMatchObject({ reason: { code: 'Conflict' } });
    expect(await namesInFile()).toEqual([`u${written}`]);
    for (const session of sessions) await session[Symbol.asyncDispose]();
  });

  test('that was abandoned is removed after a day, and not before', async () => {
    const old = join(directory, '.out.ldif.lockstep-old.db');
    const recent = join(directory, '.out.ldif.lockstep-recent.db');
    await writeFile(old, '');
    await writeFile(recent, '');
    await utimes(old, 1, 1);
    await openSession('out.ldif');
    expect(await readdir(directory)).toEqual(['.out.ldif.lockstep-recent.db']);
  });

  test('that is damaged is begun anew', async () => {
    await writeFile(
      join(directory, '.out.ldif.lockstep-job1.db'),
      'this is no database, but long enough to be looked at'.repeat(100),
    );
    const session = await openSession('out.ldif');
    expect(await applyAll(session, create('a'))).toMatchObject([{ ok: true }]);
    await session.finish();
    expect(await readdir(directory)).toEqual(['out.ldif']);
  });

  test('outlives being cut off between the renaming and its removal', async () => {
    const session = await openSession('out.ldif');
    await applyAll(session, create('a'));
    await session[Symbol.asyncDispose]();
    const scratch = join(directory, '.out.ldif.lockstep-job1.db');
    const kept = await readFile(scratch);
    await (await openSession('out.ldif')).finish();
    const first = await readFile(join(directory, 'out.ldif'), 'utf8');
    // As if the process had ended right after the renaming: the file is new, the scratch is still there.
    await writeFile(scratch, kept);
    const { ino, size, mtimeMs } = await stat(join(directory, 'out.ldif'));
    const database = new DatabaseSync(scratch);
    database.prepare("insert into meta (key, value) values ('written', ?)").run(`${ino} ${size} ${mtimeMs}`);
    database.close();
    const resumed = await openSession('out.ldif');
    await resumed.finish();
    expect(await readFile(join(directory, 'out.ldif'), 'utf8')).toBe(first);
    expect(await readdir(directory)).toEqual(['out.ldif']);
  });
});

describe('places below a unit that moved', () => {
  const start = `dn: ou=A,${node}
objectClass: organizationalUnit
ou: A
entryUUID: 1

dn: ou=C,ou=A,${node}
objectClass: organizationalUnit
ou: C
entryUUID: 2

`;
  const move: TargetChange = {
    ...blank,
    kind: 'organizationalUnit',
    verb: 'move',
    externalId: '1',
    location: `ou=A,${node}`,
    parentLocation: node,
    name: 'ou=B',
    set: { ou: ['B'] },
  };
  /** Named as it was before the move. */
  const below: TargetChange = { ...create('jdoe', 2), parentLocation: `ou=C,ou=A,${node}` };

  test('are found in the batch of the move, and in a later one', async () => {
    await writeFile(join(directory, 'out.ldif'), start);
    await using session = await openSession('out.ldif');
    const first = await session.apply([move, below], { recovering: false, signal });
    const later = { ...create('eve', 3), parentLocation: `ou=C,ou=A,${node}` };
    const second = await session.apply([later], { recovering: false, signal });
    expect([...first, ...second].map((outcome) => outcome.ok && outcome.location)).toEqual([
      `ou=B,${node}`,
      `uid=jdoe,ou=C,ou=B,${node}`,
      `uid=eve,ou=C,ou=B,${node}`,
    ]);
  });

  test('are found after an interruption, by the moves that the job tells of', async () => {
    await writeFile(join(directory, 'out.ldif'), start);
    const interrupted = await openSession('out.ldif');
    await interrupted.apply([move], { recovering: false, signal });
    await interrupted[Symbol.asyncDispose]();
    const moved = [{ from: `ou=A,${node}`, to: `ou=B,${node}` }];
    const endpoint = await open('out.ldif');
    const forgetful = await endpoint.openTarget({ job: 'job1', scopes: [{ node }] });
    expect(await forgetful.apply([below], { recovering: false, signal })).toMatchObject([
      { ok: false, code: 'ParentNotFound' },
    ]);
    await forgetful[Symbol.asyncDispose]();
    await using resumed = await endpoint.openTarget({ job: 'job1', scopes: [{ node }], moved });
    expect(await resumed.apply([{ ...below, ordinal: 3 }], { recovering: false, signal })).toMatchObject([
      { ok: true, location: `uid=jdoe,ou=C,ou=B,${node}` },
    ]);
  });
});

/** Runs the child from a batch on, and kills it after `lines` lines; resolves to the batch it was in, or null when done. */
async function runUntilKilled(path: string, first: number, lines: number): Promise<number | null> {
  const child = spawn(
    process.execPath,
    [join(import.meta.dirname, 'target.kill-child.ts'), path, String(first)],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  let batch = first;
  let seen = 0;
  let done = false;
  for await (const line of createInterface({ input: child.stdout })) {
    const begun = /^begin (\d+)$/.exec(line)?.[1];
    if (begun !== undefined) batch = Number(begun);
    if (line === 'finishing') batch = 12;
    if (line === 'finished') done = true;
    else if (++seen === lines) child.kill('SIGKILL');
  }
  await exited;
  return done ? null : batch;
}

function withoutIds(text: string): string {
  return text.replaceAll(/^entryUUID: .*$/gm, 'entryUUID: *');
}

test(
  'killed again and again, the file in the end is that of an undisturbed run',
  { timeout: 120_000 },
  async () => {
    const calm = join(directory, 'calm.ldif');
    expect(await runUntilKilled(calm, 0, 1000)).toBeNull();
    const stormy = join(directory, 'stormy.ldif');
    const kills: (number | null)[] = [];
    for (let batch: number | null = 0, round = 0; batch !== null; round++) {
      batch = await runUntilKilled(stormy, batch, (round % 3) + 2);
      kills.push(batch);
      if (batch !== null && batch < 12) expect(await readdir(directory)).not.toContain('stormy.ldif');
    }
    expect(kills.length).toBeGreaterThan(4);
    const [left, right] = await Promise.all([readFile(calm, 'utf8'), readFile(stormy, 'utf8')]);
    expect(withoutIds(right)).toBe(withoutIds(left));
    expect((await readdir(directory)).toSorted()).toEqual(['calm.ldif', 'stormy.ldif']);
  },
);
