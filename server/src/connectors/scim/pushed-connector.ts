import type { ScimServerConnection } from '@lockstep/contract/connection-configuration.ts';
import { LockstepError } from '../../kernel/errors.ts';
import type { Capabilities, Connector, Endpoint, TestStep } from '../../sync/connector.ts';
import { scimDefaultMapping, scimDefaultMatch } from './mapping.ts';
import { sameName } from './naming.ts';
import { readPushed } from './pushed-source.ts';

const capabilities: Capabilities = {
  source: true,
  target: false,
  kinds: ['user', 'group', 'membership'],
  disable: true,
  moveCarriesChildren: false,
  exports: false,
  changes: true,
};

function noTarget(): never {
  throw new LockstepError(
    'InvalidConfiguration',
    'a scim_server connection is a source: others write into it',
    {
      field: 'direction',
      remedy: 'Write to a SCIM service by a connection of type scim.',
    },
  );
}

/** @throws LockstepError InvalidConfiguration for any but the empty one */
function refuseFilter(filter: string): void {
  if (filter === '') return;
  throw new LockstepError('InvalidConfiguration', 'a scope of what others push takes no filter', {
    field: 'filter',
    remedy: 'Leave the filter out, and assign fewer users and groups on the side that pushes.',
  });
}

/** Records that others push by SCIM, as a source: docs/scim-server.md. */
export const scimServerConnector: Connector<ScimServerConnection> = {
  type: 'scim_server',
  isPushed: true,
  defaultMapping: scimDefaultMapping,
  defaultMatch: scimDefaultMatch,
  rootNode: () => '/',
  tellsAccountState: () => true,
  open(_settings, { replica }) {
    const endpoint: Endpoint = {
      capabilities,
      read(request) {
        if (replica === undefined) throw new LockstepError('NotFound', 'the connection is not saved yet');
        return readPushed(replica, request);
      },
      project: noTarget,
      sameName,
      normaliseReference: (text) => (text === '' ? null : text),
      contains: (outer, inner) => outer === inner,
      checkFilter: refuseFilter,
      openTarget: async () => noTarget(),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    };
    return Promise.resolve(endpoint);
  },
  async *test(_settings, { replica }): AsyncGenerator<TestStep> {
    const state = await replica?.state();
    const pushed = state !== undefined && state.sequence > 0;
    yield {
      step: 'read',
      ok: true,
      detail: pushed ? 'records were pushed' : 'nothing was pushed yet',
      ...(pushed ? {} : { remedy: 'Give the pushing side the address and a token of `connections token`.' }),
    };
  },
};
