import { chmod, mkdir, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { FastifyInstance } from 'fastify';
import type { Application } from '../app/application.ts';
import { localAdministrator } from '../app/authentication.ts';
import { LockstepError } from '../kernel/errors.ts';
import { buildServer, type ServerOptions } from './server.ts';

/** `sun_path` has 108 bytes on Linux and 104 on BSD, the final NUL among them; a longer path is cut off silently. */
const longestSocketPath = 103;

async function preparePath(socketPath: string): Promise<void> {
  if (Buffer.byteLength(socketPath) > longestSocketPath) {
    throw new LockstepError('InvalidRequest', `the socket path ${socketPath} is too long`, {
      remedy: 'Use a data directory with a shorter path.',
    });
  }
  const folder = dirname(socketPath);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const { mode } = await stat(folder);
  if ((mode & 0o077) !== 0) {
    throw new LockstepError(
      'StoreUnavailable',
      `others can look into ${folder}, where the local socket goes`,
      {
        remedy: `Run chmod 700 ${folder}.`,
      },
    );
  }
  // Left behind by a killed process: whoever comes here holds the data directory.
  await rm(socketPath, { force: true });
}

/**
 * The same API on a unix socket that only this user of this machine can open: requests without a token act as the
 * administrator.
 */
export async function listenLocal(
  application: Application,
  socketPath: string,
  options: Omit<ServerOptions, 'defaultActor' | 'consoleDirectory'>,
): Promise<FastifyInstance> {
  await preparePath(socketPath);
  const server = buildServer(application, {
    ...options,
    defaultActor: async () => localAdministrator(application),
  });
  await server.listen({ path: socketPath });
  await chmod(socketPath, 0o600);
  return server;
}
