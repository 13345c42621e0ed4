import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { scimMediaType } from '../../../scim/urns.ts';
import { parseScimBody } from './json-body.ts';

const plainMediaType = 'application/json';

/** What the client takes (RFC 7644 section 3.1): SCIM's own type unless it asks for plain JSON alone. */
function mediaTypeFor(accept: string | undefined): string {
  const asked = (accept ?? '').toLowerCase();
  return asked.includes(plainMediaType) && !asked.includes(scimMediaType) ? plainMediaType : scimMediaType;
}

/** Sends a message. */
export async function sendJson(
  request: FastifyRequest,
  reply: FastifyReply,
  message: unknown,
): Promise<void> {
  await reply
    .header('content-type', `${mediaTypeFor(request.headers.accept)}; charset=utf-8`)
    .header('cache-control', 'no-store')
    .send(JSON.stringify(message));
}

/** Makes both types of JSON the only ones that an instance reads. */
export function readScimBodies(instance: FastifyInstance): void {
  instance.removeAllContentTypeParsers();
  instance.addContentTypeParser(
    [scimMediaType, plainMediaType],
    { parseAs: 'buffer' },
    (_request, body, done) => {
      try {
        done(null, parseScimBody(body as Buffer));
      } catch (error) {
        done(error as Error, undefined);
      }
    },
  );
}
