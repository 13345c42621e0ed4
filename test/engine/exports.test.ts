import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { fileConnector } from '../../server/src/connectors/file/connector.ts';
import { LockstepError } from '../../server/src/kernel/errors.ts';
import type { Connector, Endpoint } from '../../server/src/sync/connector.ts';
import { describeOnBothStores } from '../servers/stores.ts';
import { brief, makeWorkbench } from '../workbench.ts';

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

describeOnBothStores('an export', (makeStore) => {
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
