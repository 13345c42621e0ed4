import type { Operation } from './operation.ts';
import { applicationProvisioningOperations } from './operations/application-provisioning.ts';
import { applicationOperations } from './operations/applications.ts';
import { authnSourceMappingOperations } from './operations/authn-source-mappings.ts';
import { customFieldOperations } from './operations/custom-fields.ts';
import { groupOperations } from './operations/groups.ts';
import { identityProviderOperations } from './operations/identity-providers.ts';
import { instanceOperations } from './operations/instances.ts';
import { jobOperations } from './operations/jobs.ts';
import { organizationalUnitOperations } from './operations/organizational-units.ts';
import { providerSynchronizationOperations } from './operations/provider-synchronization.ts';
import { regionOperations } from './operations/regions.ts';
import { supportOperations } from './operations/support.ts';
import { userAccountOperations } from './operations/user-accounts.ts';
import { userReadingOperations } from './operations/user-reading.ts';
import { userUnitOperations } from './operations/user-units.ts';
import { userOperations } from './operations/users.ts';

/** Every file of operations; what none of them names is answered with `InvalidAction.NotFound`. */
const operationLists: readonly (readonly Operation[])[] = [
  instanceOperations,
  jobOperations,
  identityProviderOperations,
  providerSynchronizationOperations,
  regionOperations,
  userOperations,
  userReadingOperations,
  userAccountOperations,
  userUnitOperations,
  organizationalUnitOperations,
  groupOperations,
  authnSourceMappingOperations,
  customFieldOperations,
  supportOperations,
  applicationOperations,
  applicationProvisioningOperations,
];

/** The operations of the API by name. */
export const operationTable: ReadonlyMap<string, Operation> = new Map(
  operationLists.flat().map((entry) => [entry.name, entry]),
);
