import { isRefusal, request } from './api.js';

/** @typedef {import('@lockstep/contract/events.ts').JobEvent} JobEvent */

const pause = 1000;

/**
 * @param {string} block
 * @returns {JobEvent | undefined}
 */
function parseEvent(block) {
  const fields = new Map(
    block.split('\n').map((line) => {
      const cut = line.indexOf(':');
      return [line.slice(0, cut), line.slice(cut + 1).trimStart()];
    }),
  );
  const data = fields.get('data');
  if (data === undefined) return undefined;
  return /** @type {JobEvent} */ ({
    id: fields.get('id') ?? '',
    event: fields.get('event') ?? '',
    data: JSON.parse(data),
  });
}

/**
 * @param {Response} response
 * @returns {AsyncGenerator<JobEvent>}
 */
async function* readEvents(response) {
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const part = await reader?.read();
    if (part === undefined || part.done) return;
    rest += part.value;
    let end = rest.indexOf('\n\n');
    while (end >= 0) {
      const event = parseEvent(rest.slice(0, end));
      rest = rest.slice(end + 2);
      if (event !== undefined) yield event;
      end = rest.indexOf('\n\n');
    }
  }
}

/**
 * Raised when nobody sees the page (true), or somebody does again (false).
 * @param {boolean} hidden
 * @param {AbortSignal} over when nobody waits for it any more
 */
function whenHidden(hidden, over) {
  const controller = new AbortController();
  const look = () => {
    if (document.hidden === hidden) controller.abort();
  };
  look();
  document.addEventListener('visibilitychange', look, { signal: over });
  return controller.signal;
}

/** @param {AbortSignal} signal */
async function raised(signal) {
  if (signal.aborted) return;
  await new Promise((resolve) => {
    signal.addEventListener('abort', resolve, { once: true });
  });
}

/**
 * Follows a job to its end. EventSource cannot send a token, so this reads the stream itself and goes on behind the
 * last event when it breaks. A browser has six connections to a server, for all its tabs: a page that nobody sees holds
 * none.
 * @throws {ApiProblem} when it is refused
 * @param {string} jobId
 * @param {(event: JobEvent) => void} onEvent
 * @param {AbortSignal} signal
 */
export async function followJob(jobId, onEvent, signal) {
  let last = '';
  for (;;) {
    const turn = new AbortController();
    try {
      await raised(AbortSignal.any([signal, whenHidden(false, turn.signal)]));
      if (signal.aborted) return;
      /** @type {Record<string, string>} */
      const headers = last === '' ? {} : { 'last-event-id': last };
      const response = await request(`/jobs/${jobId}/events`, {
        headers,
        signal: AbortSignal.any([signal, whenHidden(true, turn.signal)]),
      });
      if (response.status === 204) return;
      for await (const event of readEvents(response)) {
        last = event.id;
        onEvent(event);
        if (event.event === 'end') return;
      }
    } catch (error) {
      if (signal.aborted) return;
      if (isRefusal(error)) throw error;
    } finally {
      turn.abort();
    }
    await new Promise((resolve) => {
      setTimeout(resolve, pause);
    });
  }
}
