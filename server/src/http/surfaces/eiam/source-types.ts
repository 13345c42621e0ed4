import type { Actor } from '../../../app/actor.ts';
import type { Application } from '../../../app/application.ts';
import { listProviders } from '../../../app/providers.ts';
import { isActiveDirectory } from './provider-model.ts';

/** What a thing that was made in the directory itself comes from. */
export const ownSourceType = 'build_in';

/** A connection as objects name it that came from it. */
export interface Source {
  readonly type: string;
  readonly annotations: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

/** Where things come from, in the words of this API; a system that it has no word for keeps its connection's type. */
export function sourceTypeOf({ type, annotations }: Source): string {
  const said = annotations['eiam']?.['type'];
  return typeof said === 'string' && isActiveDirectory(said) ? 'ad' : type;
}

/** Ids of the connections that are meant; undefined: it does not matter which. */
export async function connectionsOfSource(
  app: Application,
  actor: Actor,
  sourceType: string | undefined,
  sourceId: string | undefined,
): Promise<string[] | undefined> {
  if (sourceType === undefined) return sourceId === undefined ? undefined : [sourceId];
  const all = { offset: 0, limit: 100_000 };
  const found = await listProviders(
    app,
    actor,
    ({ connection }) =>
      sourceTypeOf(connection) === sourceType && (sourceId === undefined || connection.id === sourceId),
    all,
  );
  return found.items.map(({ connection }) => connection.id);
}
