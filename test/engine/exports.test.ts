import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { makeJobRunner } from '../../server/src/app/job-runner.ts';
import { cancelJob, getJob, requestJob } from '../../server/src/app/jobs.ts';
import { fileConnector } from '../../server/src/connectors/file/connector.ts';
import { LockstepError } from '../../server/src/kernel/errors.ts';
import type { Connector, Endpoint } from '../../server/src/sync/connector.ts';
import { describeOnBothStores } from '../servers/stores.ts';
import { brief, connectThrough, makeWorkbench, type Workbench } from '../workbench.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lockstep-exports-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const company = `version: 1

dn: uid=ann,dc=example,dc=com
objectClass: inetOrgPerson
uid: ann
cn: Ann
sn: Lee
`;

/** The connector of files, on a disk that may be full in the end. */
function onDisk(isFull: () => boolean): Connector {
  const open: Connector['open'] = async (settings, context) => {
    const endpoint: Endpoint = await fileConnector.open(settings as never, context);
    const opened = endpoint.openTarget.bind(endpoint);
    endpoint.openTarget = async (options) => {
      const session = await opened(options);
      if (isFull())
        session.finish = () => Promise.reject(new LockstepError('LimitExceeded', 'the disk is full'));
      return session;
    };
    return endpoint;
  };
  return { ...(fileConnector as Connector), open };
}

/** The connector of files, in a process that ends when its first batch is written, once. */
function killedOnce(kill: AbortController): Connector {
  const open: Connector['open'] = async (settings, context) => {
    const endpoint: Endpoint = await fileConnector.open(settings as never, context);
    const opened = endpoint.openTarget.bind(endpoint);
    endpoint.openTarget = async (options) => {
      const session = await opened(options);
      const { apply } = session;
      let batches = 0;
      session.apply = async (changes, given) => {
        if (batches++ === 1 && !kill.signal.aborted) kill.abort(new Error('killed'));
        kill.signal.throwIfAborted();
        return apply.call(session, changes, given);
      };
      return session;
    };
    return endpoint;
  };
  return { ...(fileConnector as Connector), open };
}

/** A folder with people in JSON Lines, who are in the directory already, and a sync that writes them to a file. */
async function makeExport(bench: Workbench, people: number): Promise<string> {
  const [input, output] = [join(folder, 'in.jsonl'), join(folder, 'out.jsonl')];
  const lines = Array.from({ length: people }, (_, at) =>
    JSON.stringify({ kind: 'user', id: `u${at}`, name: `user${at}` }),
  );
  await writeFile(input, `${lines.join('\n')}\n`);
  await connectThrough(bench, { type: 'file', path: input }, { type: 'file', path: output });
  await bench.run('in');
  return output;
}

describeOnBothStores('an export', (makeStore) => {
  test('that is killed and then cancelled has written what it says', async () => {
    const kill = new AbortController();
    const bench = await makeWorkbench(await makeStore(), new Map([['file', killedOnce(kill)]]));
    const output = await makeExport(bench, 700);
    const { job } = await requestJob(bench.app, bench.actor, 'out', {
      mode: 'apply',
      startedThrough: 'native',
    });
    const runner = makeJobRunner(bench.app);
    await expect(runner.run(job.id, kill.signal)).rejects.toThrow('killed');
    await cancelJob(bench.app, bench.actor, job.id);
    const later = new Map([['file', fileConnector as Connector]]);
    await makeJobRunner({ ...bench.app, connectors: later }).run(job.id, new AbortController().signal);
    const { status, statistics } = await getJob(bench.app, bench.actor, job.id);
    expect(status).toBe('cancelled');
    expect(brief(statistics)['user exported']).toBe('500/0/200');
    expect((await readFile(output, 'utf8')).trim().split('\n')).toHaveLength(500);
    expect((await readdir(folder)).toSorted()).toEqual(['in.jsonl', 'out.jsonl']);
  });

  test('that breaks off leaves no scratch of what it would have written', async () => {
    const bench = await makeWorkbench(await makeStore(), new Map([['file', onDisk(() => true)]]));
    await makeExport(bench, 3);
    expect((await bench.run('out')).status).toBe('failed');
    expect(await readdir(folder)).toEqual(['in.jsonl']);
  });

  test('that breaks off in the end has exported nothing, and the next run does it all', async () => {
    let isFull = true;
    const bench = await makeWorkbench(await makeStore(), new Map([['file', onDisk(() => isFull)]]));
    await writeFile(join(folder, 'in.ldif'), company);
    const [input, output] = [join(folder, 'in.ldif'), join(folder, 'out.ldif')];
    await bench.connection('in', { type: 'file', path: input, baseDn: 'dc=example,dc=com' });
    await bench.connection('out', { type: 'file', path: output, baseDn: 'dc=out,dc=org' });
    const scopes = [{ source: 'dc=example,dc=com', target: '/' }];
    await bench.sync('in', { connection: 'in', direction: 'ingress', scopes });
    await bench.sync('out', {
      connection: 'out',
      direction: 'egress',
      scopes: [{ source: '/', target: 'dc=out,dc=org' }],
    });
    await bench.run('in');
    const failed = await bench.run('out');
    expect(failed).toMatchObject({ status: 'failed', error: { code: 'LimitExceeded' } });
    expect(brief(failed.statistics)).toEqual({ 'user created': '0/0/1', 'user exported': '0/0/1' });
    expect(existsSync(output)).toBe(false);
    isFull = false;
    expect(brief((await bench.run('out')).statistics)).toEqual({
      'user created': '1/0/0',
      'user exported': '1/0/0',
    });
    expect(await readFile(output, 'utf8')).toContain('dn: uid=ann,dc=out,dc=org');
  });
});
