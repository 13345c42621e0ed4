import type { Operation } from './operation.ts';
import { actionBatchOperations } from './operations/action-batches.ts';
import { authorizationOperations } from './operations/authorizations.ts';
import { idpOperations } from './operations/identity-providers.ts';
import { documentOperation, organizationOperations } from './operations/organizations.ts';
import { syncOperations } from './operations/sync.ts';
import { userOperations } from './operations/users.ts';

/** The operations on people, identity providers, syncs and authorizations. */
export const iamOperations: readonly Operation[] = [
  ...syncOperations,
  ...idpOperations,
  ...userOperations,
  ...authorizationOperations,
];

/**
 * Every operation of the API that is here; what is not named is answered with 404.
 * @param inBackground takes work that goes on after the answer
 */
export function makeOperationTable(inBackground: (work: Promise<unknown>) => void): readonly Operation[] {
  const table: Operation[] = [
    ...iamOperations,
    ...organizationOperations,
    documentOperation(() => table),
    ...actionBatchOperations(iamOperations, inBackground),
  ];
  return table;
}
