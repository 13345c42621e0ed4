import { chmod, mkdtemp, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import type { Application } from '../app/application.ts';
import { localAdministrator } from '../app/authentication.ts';
import { LockstepError } from '../kernel/errors.ts';
import { makeDirectory } from '../kernel/make-directory.ts';
import { buildServer, type ServerOptions } from './server.ts';
import { nativeSurface } from './surfaces/native/surface.ts';

/** `sun_path` has 108 bytes on Linux and 104 on BSD, the final NUL among them; a longer path is cut off silently. */
const longestSocketPath = 103;

function checkLength(socketPath: string): void {
  if (Buffer.byteLength(socketPath) <= longestSocketPath) return;
  throw new LockstepError('InvalidRequest', `the socket path ${socketPath} is too long`, {
    remedy: 'Use a data directory with a shorter path.',
  });
}

/**
 * Listens in a folder that only this user can enter and moves the socket to its place when its mode is right, so that
 * there is no moment at which others can connect, whatever the mode of the folder. What a killed process left in the
 * place is replaced: whoever comes here holds the data directory.
 */
async function listenPrivately(server: FastifyInstance, socketPath: string): Promise<void> {
  await makeDirectory(dirname(socketPath));
  const folder = await mkdtemp(join(dirname(socketPath), '.l-'));
  try {
    const path = join(folder, 's');
    await server.listen({ path });
    await chmod(path, 0o600);
    await rename(path, socketPath);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * Lockstep's own API on a unix socket that only this user of this machine can open: requests without a token act as the
 * administrator of the tenant that they name, else of the first one.
 */
export async function listenLocal(
  application: Application,
  socketPath: string,
  options: Omit<ServerOptions, 'surfaces' | 'defaultActor' | 'consoleDirectory'>,
): Promise<FastifyInstance> {
  checkLength(socketPath);
  const server = buildServer(application, {
    ...options,
    surfaces: [nativeSurface],
    defaultActor: async (tenant) => localAdministrator(application, tenant),
  });
  server.addHook('onClose', async () => rm(socketPath, { force: true }));
  await listenPrivately(server, socketPath);
  return server;
}
