import type { Application } from '../application.ts';
import type { PushedConnection } from './authenticate.ts';

/** A connection that a token was found to open, believed until then (milliseconds since 1970). */
export interface PresentedConnection {
  readonly connection: PushedConnection;
  readonly until: number;
}

const mostRemembered = 1000;
const remembered = new WeakMap<Application, Map<string, PresentedConnection>>();

/** What was found of late, by token and connection. */
export function presentedTokensOf(app: Application): Map<string, PresentedConnection> {
  const found = remembered.get(app) ?? new Map<string, PresentedConnection>();
  remembered.set(app, found);
  if (found.size > mostRemembered) found.clear();
  return found;
}

/** Looks every token up again: one was revoked. */
export function forgetPresentedTokens(app: Application): void {
  remembered.delete(app);
}
