import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { ResolvedConfiguration } from '@lockstep/contract/installationConfiguration.ts';
import { LockstepError } from '../kernel/errors.ts';

const program = join(import.meta.dirname, '../../../test/simulators/graph/serve.ts');
/** Accounts that are in the tenant already, and that no sync made. */
const others = '20';

/** What the simulator of Microsoft Graph prints when it is ready. */
interface Ready {
  readonly graphUrl: string;
  readonly authorityUrl: string;
  readonly caFile: string;
  readonly tenantId: string;
  readonly clientId: string;
  readonly clientSecret: string;
}

/** A simulated tenant of Microsoft Entra ID, in a process of its own. */
export interface SimulatedTenant extends AsyncDisposable {
  readonly connection: ResolvedConfiguration['connections'][number];
}

/**
 * Starts the simulator of Microsoft Graph that the sources bring along.
 * @param domain a verified domain of the tenant
 * @throws LockstepError NotFound where the sources are incomplete; Internal when it does not start
 */
export async function startSimulatedTenant(domain: string): Promise<SimulatedTenant> {
  await access(program).catch((cause: unknown) => {
    throw new LockstepError('NotFound', 'The simulator of Microsoft Graph is not among these sources.', {
      remedy: 'Use a complete copy of the sources, or leave --entra out.',
      cause,
    });
  });
  const child = spawn(process.execPath, [program, '--users', others, '--domain', domain], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const end = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const closed = once(child, 'close');
    child.kill('SIGTERM');
    await closed;
  };
  for await (const line of createInterface({ input: child.stdout })) {
    child.stdout.resume();
    const { clientSecret, ...settings } = JSON.parse(line) as Ready;
    return {
      connection: { name: 'entra', type: 'entra_id', settings: { ...settings }, secrets: { clientSecret } },
      [Symbol.asyncDispose]: end,
    };
  }
  throw new LockstepError('Internal', 'The simulator of Microsoft Graph did not start; see above.', {
    remedy: 'It needs the command openssl.',
  });
}
