/** Raw statements and notifications, for parts that bring their own SQL. */
export interface StoreSession {
  /** The server's URL; undefined on the embedded engine. */
  readonly databaseUrl: string | undefined;
  /**
   * Runs SQL on a connection of its own. Without values it may hold several statements; the rows of all of them come
   * back in one list. A transaction that the text leaves open after an error is rolled back.
   */
  execute(text: string, values?: readonly unknown[]): Promise<{ rows: Record<string, unknown>[] }>;
  /** Subscribes to NOTIFY on the embedded engine's one connection; a server's users hold their own connections. */
  listen?(channel: string, onNotification: (payload: string) => void): Promise<{ close(): Promise<void> }>;
}
