import type { ObjectKey, ReadScope } from '../../sync/connector.ts';
import { resultCodeOf } from './errors.ts';
import { externalIdValue, findId, isLookupId } from './externalId.ts';
import { normaliseReference } from './location.ts';
import { makeClassifier } from './objectClasses.ts';
import { and, equality, or } from './protocol/filter/filter.ts';
import type { RawSearchEntry } from './protocol/messages/entry.ts';
import type { LdapClient } from './protocol/client/client.ts';
import type { SearchRequest } from './protocol/client/search.ts';
import { searchFilter } from './request.ts';
import { batchesOf, type SourceOptions } from './source.ts';
import { LockstepError } from '../../kernel/errors.ts';

const askedTogether = 100;

/** Entries of a search, also of another server where a read goes there. @throws LockstepError IncompleteRead */
async function* look(
  client: LdapClient,
  options: SourceOptions,
  request: SearchRequest,
): AsyncGenerator<RawSearchEntry, void> {
  try {
    for await (const items of await batchesOf(client, options, request))
      for (const item of items) if (item.type === 'entry') yield item.entry;
  } catch (error) {
    if (resultCodeOf(error) === undefined || !(error instanceof LockstepError)) throw error;
    const message = `whether those who seem gone are in another scope the server does not tell: ${error.message}`;
    throw new LockstepError('IncompleteRead', message, { cause: error });
  }
}

/**
 * Which of the objects are in the scopes, by their external ids. An entry whose id is its DN has none once it moved.
 * @throws LockstepError IncompleteRead
 */
export async function findPresent(
  options: SourceOptions,
  scopes: readonly ReadScope[],
  keys: readonly ObjectKey[],
  signal: AbortSignal,
): Promise<ObjectKey[]> {
  const { shape, connect } = options;
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
      for await (const entry of look(client, options, request)) {
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
