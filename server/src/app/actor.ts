import { roles, type Role } from '@lockstep/contract/account.ts';
import { LockstepError } from '../kernel/errors.ts';

/** Whom a call acts for. Every use case looks at the data of this tenant only. */
export interface Actor {
  readonly tenantId: string;
  readonly tenantName: string;
  readonly accountId: string;
  readonly accountName: string;
  readonly role: Role;
}

/** Through which surface a call came; jobs record it. */
export type Surface = 'native' | 'console' | 'cli' | 'schedule' | 'change' | 'push' | (string & {});

/** @throws LockstepError Forbidden when the actor has a lesser role. */
export function requireRole(actor: Actor, needed: Role): void {
  if (roles.indexOf(actor.role) <= roles.indexOf(needed)) return;
  throw new LockstepError(
    'Forbidden',
    `this needs the role ${needed}; the account has the role ${actor.role}`,
  );
}
