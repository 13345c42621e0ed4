import type { FastifyInstance } from 'fastify';

/** A body in a coding such as gzip (RFC 9110 section 15.5.16), which no surface unpacks. */
export class PackedBodyError extends Error {
  readonly statusCode = 415;

  constructor(coding: string) {
    super(`a body in the content coding ${JSON.stringify(coding)} is not read here: send it as it is`);
    this.name = 'PackedBodyError';
  }
}

/** Refuses packed bodies by their name: their bytes would be told to be damaged text. */
export function refusePackedBodies(instance: FastifyInstance): void {
  instance.addHook('preParsing', async (request, reply) => {
    const coding = request.headers['content-encoding'] ?? '';
    if (coding === '' || coding.toLowerCase() === 'identity') return;
    void reply.header('accept-encoding', 'identity');
    throw new PackedBodyError(coding);
  });
}
