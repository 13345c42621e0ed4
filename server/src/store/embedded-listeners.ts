import type pg from 'pg';

type Listener = (payload: string) => void;

function quoteChannel(channel: string): string {
  return `"${channel.replaceAll('"', '""')}"`;
}

/** NOTIFY on the one connection of the embedded engine; a connection that replaces it listens again. */
export class EmbeddedListeners {
  readonly #pool: pg.Pool;
  readonly #byChannel = new Map<string, Set<Listener>>();

  constructor(pool: pg.Pool) {
    this.#pool = pool;
    pool.on('connect', (client) => {
      client.on('notification', ({ channel, payload }) => {
        for (const listener of this.#byChannel.get(channel) ?? []) listener(payload ?? '');
      });
    });
  }

  async listen(channel: string, listener: Listener): Promise<{ close(): Promise<void> }> {
    const listeners = this.#byChannel.get(channel) ?? new Set();
    this.#byChannel.set(channel, listeners.add(listener));
    if (listeners.size === 1) await this.#pool.query(`listen ${quoteChannel(channel)}`);
    return {
      close: async () => {
        if (!listeners.delete(listener) || listeners.size > 0) return;
        await this.#pool.query(`unlisten ${quoteChannel(channel)}`);
      },
    };
  }
}
