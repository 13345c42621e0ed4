import { once } from 'node:events';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { JobEvent } from '@lockstep/contract/events.ts';
import { endEventId, followJob } from '../../../app/job-events.ts';
import { getJob } from '../../../app/jobs.ts';
import type { Actor } from '../../../app/actor.ts';
import { LockstepError } from '../../../kernel/errors.ts';
import type { SurfaceContext } from '../../surface.ts';
import { authenticateRequest } from './authenticate.ts';

/** A comment this often keeps proxies from closing a silent stream. */
const heartbeat = 15_000;

/** WHATWG HTML section 9.2.6. JSON has no line breaks of its own. */
function renderEvent({ id, event, data }: JobEvent): string {
  return `id: ${id}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}

function lastEventId(request: FastifyRequest): string | undefined {
  const header = request.headers['last-event-id'];
  return typeof header === 'string' && header !== '' ? header : undefined;
}

/**
 * Sends the events of a job until it ends, the reader goes or is shut out, or the server closes. A reader that has seen the end gets
 * 204, which tells it not to come again (WHATWG HTML section 9.2.3).
 */
export async function streamJob(
  context: SurfaceContext,
  actor: Actor,
  jobId: string,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  // Before the first byte, so that an unknown job is a problem document and no stream.
  await getJob(context.application, actor, jobId);
  const last = lastEventId(request);
  if (last === endEventId) {
    await reply.code(204).send();
    return;
  }
  const gone = new AbortController();
  const signal = AbortSignal.any([gone.signal, context.closing]);
  reply.hijack();
  const { raw } = reply;
  raw.on('close', () => gone.abort());
  raw.writeHead(200, {
    'content-type': 'text/event-stream',
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
    'x-request-id': request.id,
  });
  raw.write('retry: 1000\n\n');
  const beat = setInterval(() => raw.write(': \n\n'), heartbeat);
  try {
    for await (const event of followJob(context.application, actor, jobId, last, signal)) {
      // Who was let in may have been shut out since.
      await authenticateRequest(context, request);
      if (!raw.write(renderEvent(event))) await once(raw, 'drain', { signal });
    }
  } catch (error) {
    const isShutOut = error instanceof LockstepError && error.code === 'Unauthenticated';
    if (!signal.aborted && !isShutOut) request.log.error(error);
  } finally {
    clearInterval(beat);
    raw.end();
  }
}
