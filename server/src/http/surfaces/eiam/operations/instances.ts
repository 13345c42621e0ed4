import { instanceId, operation, type Operation } from '../operation.ts';

/** The worked example: an instance is the caller's tenant. */
const getInstance = operation({
  name: 'GetInstance',
  level: 'get',
  subject: 'Instance',
  parameters: { InstanceId: instanceId },
  resource: ({ InstanceId }) => `instance/${InstanceId}`,
  handler: async ({ actor }) => ({
    Instance: {
      InstanceId: actor.tenantId,
      Description: actor.tenantName,
      Status: 'running',
      ServiceManaged: false,
      EgressAddresses: [],
    },
  }),
});

export const instanceOperations: readonly Operation[] = [getInstance];
