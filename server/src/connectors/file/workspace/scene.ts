import type { Relocations } from '../../../directory/dn/relocation.ts';
import { LockstepError } from '../../../kernel/errors.ts';
import type { TargetChange, TargetOutcome } from '../../../sync/connector.ts';
import type { Members } from './members.ts';
import type { Named } from './named.ts';
import type { Entry, Tree } from './tree.ts';

/** What a change is carried out on. */
export interface Scene {
  readonly tree: Tree;
  readonly members: Members;
  readonly named: Named;
  /** Locations under which entries may be made although no entry of the file is there. */
  readonly nodes: readonly string[];
  readonly entryUuid: boolean;
  readonly disabled: { readonly attribute: string; readonly value: string } | undefined;
  /** LDIF: where units went in this job, to follow places that are still named as before. */
  readonly relocations: Relocations;
  readonly recovering: boolean;
}

export type Success = Extract<TargetOutcome, { ok: true }>;

/** The object that a change is about. @throws LockstepError NotFound */
export function getObject(scene: Scene, change: TargetChange): Entry {
  const entry = findObject(scene, change);
  if (entry !== undefined) return entry;
  throw new LockstepError(
    'NotFound',
    `no ${change.kind} ${change.externalId ?? change.location ?? ''} in the file`,
  );
}

export function findObject({ tree }: Scene, change: TargetChange): Entry | undefined {
  if (change.externalId !== null) return tree.findByExternalId(change.externalId);
  return change.location === null ? undefined : tree.findByLocation(change.location);
}
