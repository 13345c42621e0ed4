import type { Operation } from './operation.ts';
import { groupOperations } from './operations/groups.ts';
import { instanceOperations } from './operations/instances.ts';
import { jobOperations } from './operations/jobs.ts';
import { organizationalUnitOperations } from './operations/organizational-units.ts';
import { regionOperations } from './operations/regions.ts';
import { userUnitOperations } from './operations/user-units.ts';
import { userOperations } from './operations/users.ts';

/** Every file of operations; what none of them names is answered with `InvalidAction.NotFound`. */
const operationLists: readonly (readonly Operation[])[] = [
  instanceOperations,
  jobOperations,
  regionOperations,
  userOperations,
  userUnitOperations,
  organizationalUnitOperations,
  groupOperations,
];

/** The operations of the API by name. */
export const operationTable: ReadonlyMap<string, Operation> = new Map(
  operationLists.flat().map((entry) => [entry.name, entry]),
);
