import { LockstepError } from '../../kernel/errors.ts';
import { renderFilterValue } from '../../scim/filter/render.ts';
import { isJsonList, isJsonObject, readAttribute, type ScimResource } from '../../scim/resource.ts';
import { foldName, nameAttributes, type ScimKind } from './naming.ts';
import { readList } from './pages.ts';
import type { Writing } from './writing.ts';

/** By what a resource is looked for: its own id is not known. */
export interface Wanted {
  readonly name: string | undefined;
  readonly externalId: string | undefined;
}

/**
 * The resource that has this name or external id: by filter, and where the service takes none or does not heed it, by
 * reading the list.
 */
export async function findResource(
  writing: Writing,
  kind: ScimKind,
  wanted: Wanted,
): Promise<ScimResource | undefined> {
  const filters = [
    wanted.name === undefined ? undefined : equals(nameAttributes[kind], wanted.name),
    wanted.externalId === undefined ? undefined : equals('externalId', wanted.externalId),
  ].filter((filter) => filter !== undefined);
  if (writing.service.filter !== false) {
    for (const filter of filters) {
      // oxlint-disable-next-line no-await-in-loop -- the second is asked for only where the first finds nothing
      const found = await findByFilter(writing, kind, filter, wanted);
      if (found !== undefined) return found;
    }
  }
  return findInList(writing, kind, wanted);
}

/** The resource that bears this external id, by filter alone: what is looked for is rarely there. */
export async function findOwn(
  writing: Writing,
  kind: ScimKind,
  { externalId }: Wanted,
): Promise<ScimResource | undefined> {
  if (externalId === undefined || writing.service.filter === false) return undefined;
  const wanted = { name: undefined, externalId };
  return findByFilter(writing, kind, equals('externalId', externalId), wanted);
}

/** A comparison of RFC 7644 section 3.4.2.2. */
function equals(attribute: string, value: string): string {
  return `${attribute} eq ${renderFilterValue(value)}`;
}

async function findByFilter(
  { client, service, signal }: Writing,
  kind: ScimKind,
  filter: string,
  wanted: Wanted,
): Promise<ScimResource | undefined> {
  const response = await client.send({
    method: 'GET',
    path: service.endpoints[kind],
    query: { filter },
    signal,
  });
  if (response.status !== 200 || !isJsonObject(response.body)) return undefined;
  const resources = readAttribute(response.body, 'Resources');
  return isJsonList(resources)
    ? resources.filter(isJsonObject).find((each) => isWanted(each, kind, wanted))
    : undefined;
}

async function findInList(
  writing: Writing,
  kind: ScimKind,
  wanted: Wanted,
): Promise<ScimResource | undefined> {
  const { client, service, profile, pageSize, signal } = writing;
  const pages = readList(client, {
    path: service.endpoints[kind],
    pageSize,
    byCursor: profile.cursors ? 'always' : service.cursor,
    signal,
  });
  try {
    for await (const page of pages) {
      const found = page.find((each) => isWanted(each, kind, wanted));
      if (found !== undefined) return found;
    }
  } catch (error) {
    if (!(error instanceof LockstepError) || error.code !== 'NotFound') throw error;
  }
  return undefined;
}

function isWanted(resource: ScimResource, kind: ScimKind, { name, externalId }: Wanted): boolean {
  const ownId = readAttribute(resource, 'externalId');
  if (externalId !== undefined && typeof ownId === 'string') return ownId === externalId;
  const ownName = readAttribute(resource, nameAttributes[kind]);
  return name !== undefined && typeof ownName === 'string' && foldName(ownName) === foldName(name);
}
