import type { Logger } from 'pino';
import type { Clock } from '../kernel/clock.ts';

/** Milliseconds for which an error that says the same is not logged again. */
const silence = 60_000;
/** Errors of so many texts are told apart; texts that no longer recur make room. */
const remembered = 100;

/**
 * Logs errors of work that is tried again and again, each text once a minute with how often it came meanwhile: an outage
 * of the database would else fill the disk with it.
 */
export function recurringErrors(log: Pick<Logger, 'error'>, clock: Clock): (error: unknown) => void {
  const lastLogged = new Map<string, { at: number; silenced: number }>();
  return (error) => {
    const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    const now = clock.now().getTime();
    const last = lastLogged.get(text);
    if (last !== undefined && now - last.at < silence && now >= last.at) {
      last.silenced += 1;
      return;
    }
    lastLogged.delete(text);
    lastLogged.set(text, { at: now, silenced: 0 });
    const [oldest] = lastLogged.keys();
    if (lastLogged.size > remembered && oldest !== undefined) lastLogged.delete(oldest);
    if (last === undefined || last.silenced === 0) log.error(error);
    else log.error({ err: error, repeated: last.silenced }, text);
  };
}
