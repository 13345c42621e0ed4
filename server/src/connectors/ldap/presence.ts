import type { ObjectKey, ReadScope } from '../../sync/connector.ts';
import { entriesOf, type Connect } from './client.ts';
import type { LdapShape } from './config.ts';
import { externalIdValue, findId, isLookupId } from './externalId.ts';
import { normaliseReference } from './location.ts';
import { makeClassifier } from './objectClasses.ts';
import { and, equality, or } from './protocol/filter/filter.ts';
import { searchFilter } from './request.ts';

const askedTogether = 100;

/** Which of the objects are in the scopes, by their external ids. An entry whose id is its DN has none once it moved. */
export async function findPresent(
  { shape, connect }: { readonly shape: LdapShape; readonly connect: Connect },
  scopes: readonly ReadScope[],
  keys: readonly ObjectKey[],
  signal: AbortSignal,
): Promise<ObjectKey[]> {
  const attribute = shape.externalIdAttribute;
  // Ids from before another attribute was chosen are none of its values.
  const canHold = (id: string): boolean => !shape.isBinary(attribute) || /^[0-9a-f-]+$/.test(id);
  const wanted = keys.filter(({ externalId }) => isLookupId(externalId) && canHold(externalId));
  const found: ObjectKey[] = [];
  if (wanted.length === 0) return found;
  const classify = makeClassifier(shape);
  await using client = await connect(signal);
  for (const { node, filter } of scopes) {
    for (let start = 0; start < wanted.length; start += askedTogether) {
      const some = wanted.slice(start, start + askedTogether);
      const ids = some.map(({ externalId }) => equality(attribute, externalIdValue(externalId, shape)));
      const request = {
        base: node,
        scope: 'sub',
        filter: and(searchFilter(shape, filter), or(...ids)),
        attributes: ['objectClass', attribute],
        signal,
      } as const;
      for await (const entry of entriesOf(client, request)) {
        // The scope's node is no object of it.
        if (normaliseReference(entry.dn()) === normaliseReference(node)) continue;
        const id = findId(entry, shape);
        const kind = classify(entry.peekAll('objectClass'));
        found.push(...some.filter((key) => key.kind === kind && key.externalId === id));
      }
    }
  }
  return found;
}
