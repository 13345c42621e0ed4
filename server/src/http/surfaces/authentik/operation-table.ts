import type { Operation } from './operation.ts';
import { coreOperations } from './operations/core.ts';
import { linkOperations } from './operations/links.ts';
import { mappingOperations } from './operations/mappings.ts';
import { providerOperations } from './operations/providers.ts';
import { scheduleOperations } from './operations/schedules.ts';
import { syncOperations } from './operations/syncs.ts';
import { taskOperations } from './operations/tasks.ts';

/** Every operation of the API that is implemented; any other address answers 404. */
export const operationTable: readonly Operation[] = [
  ...providerOperations,
  ...syncOperations,
  ...linkOperations,
  ...mappingOperations,
  ...taskOperations,
  ...scheduleOperations,
  ...coreOperations,
];
