import type { JsonAttributeMap } from '@lockstep/contract/attribute.ts';
import type { ObjectKind } from '@lockstep/contract/vocabulary.ts';
import { findObject } from '../store/queries/directory.ts';
import type { Actor } from './actor.ts';
import type { Application } from './application.ts';

/** An object of the directory in short. */
export interface NamedObject {
  readonly id: string;
  readonly serial: number;
  readonly name: string;
  readonly enabled: boolean;
  readonly attributes: JsonAttributeMap;
}

/** The object of the tenant with this id. */
export async function findNamedObject(
  app: Application,
  actor: Actor,
  kind: ObjectKind,
  id: string,
): Promise<NamedObject | undefined> {
  return findObject(app.store.db, actor.tenantId, kind, id);
}
