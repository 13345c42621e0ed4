import { listEgressLinks, type EgressLink } from '../../../app/egress-links.ts';
import { listEgressProviders, nameOfProvider, type EgressProvider } from '../../../app/egress-providers.ts';
import { listSyncsOfMapping } from '../../../app/property-mappings.ts';
import { families, type Family } from './families.ts';
import type { OperationCall } from './operation.ts';
import { uuidOfLink } from './uuid.ts';

/** Links of each kind that an answer names at most. */
const mostLinks = 100;

function render(app: string, model: string, pk: string, name: string, action: string): object {
  return { app, model_name: model.toLowerCase(), pk, name, action };
}

/** Links that go with a provider when it is deleted. */
export async function usedByProvider(
  call: OperationCall,
  family: Family,
  provider: EgressProvider,
): Promise<object[]> {
  const filter = { connectionSerial: provider.connection.serial };
  const page = { offset: 0, limit: mostLinks };
  const of = async (kind: 'user' | 'group', suffix: string): Promise<object[]> => {
    const links = await listEgressLinks(call.app, call.actor, family.connectionType, kind, filter, page);
    return links.map((link: EgressLink) =>
      render(
        family.app,
        `${family.model}${suffix}`,
        uuidOfLink(link.syncSerial, link.objectId),
        link.objectName,
        'cascade',
      ),
    );
  };
  return [...(await of('user', 'User')), ...(await of('group', 'Group'))];
}

/** Providers that map by a property mapping; they lose it when it is deleted. */
export async function usedByMapping(call: OperationCall, mappingId: string): Promise<object[]> {
  const syncIds = new Set(await listSyncsOfMapping(call.app, call.actor, mappingId));
  const used: object[] = [];
  for (const family of families) {
    const providers = await listEgressProviders(call.app, call.actor, [family.connectionType]);
    for (const provider of providers.filter(({ sync }) => syncIds.has(sync.id))) {
      const { serial } = provider.connection;
      used.push(render(family.app, family.model, String(serial), nameOfProvider(provider), 'cascade_many'));
    }
  }
  return used;
}
