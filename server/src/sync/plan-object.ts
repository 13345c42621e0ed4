import type { ObjectKind } from '@lockstep/contract/vocabulary.ts';
import type { JsonAttributes } from '../directory/attributes.ts';
import type { ErrorCode } from '../kernel/errors.ts';
import { diffImages } from './diff.ts';
import type { DiffOptions } from './diff.ts';
import { imageToJson } from './image.ts';
import type { Image } from './image.ts';
import type { LinkData, PlannedChange } from './planned-change.ts';

/** How an object of the source came to its counterpart. */
export type Tie =
  | { readonly by: 'link' }
  /** A match rule found it; it is bound first. */
  | { readonly by: 'match'; readonly rule: string }
  /** There is none yet. */
  | { readonly by: 'nothing' }
  | {
      readonly by: 'conflict';
      readonly verb: 'bind' | 'create' | 'update';
      readonly code: ErrorCode;
      readonly message: string;
    };

export interface ObjectCandidate {
  readonly kind: ObjectKind;
  readonly label: string;
  readonly objectId: string;
  readonly externalId: string | null;
  readonly tie: Tie;
  /** What it shall be, in the target's vocabulary. */
  readonly desired: Image;
  /** What it is in the target; null when it is not there. */
  readonly existing: Image | null;
  /** Revision of the directory object, 0 when it does not exist yet. */
  readonly revision: number;
  readonly link: LinkData;
  readonly contribution?: JsonAttributes | null;
}

/**
 * The changes that one object of the source asks for, at most one for each operation. Pure: the same candidate gives
 * the same changes, and a candidate whose existing image is its desired one gives none.
 */
export function planObject(candidate: ObjectCandidate, options: DiffOptions): PlannedChange[] {
  const { kind, label, externalId, link, tie, desired, existing, revision } = candidate;
  const common = { kind, label, externalId, link };
  if (tie.by === 'conflict') {
    const outcome = { result: 'failed' as const, code: tie.code, message: tie.message };
    const isThere = tie.verb === 'update' || revision > 0;
    return [{ ...common, verb: tie.verb, objectId: isThere ? candidate.objectId : null, outcome }];
  }
  const object = { ...common, objectId: candidate.objectId, contribution: candidate.contribution ?? null };
  if (existing === null) {
    const after = imageToJson(desired);
    return [{ ...object, verb: 'create', parentId: desired.parent, before: null, after, revision }];
  }
  const changes: PlannedChange[] = [];
  const difference = diffImages(desired, existing, options);
  if (tie.by === 'match') {
    // Bound is not yet in step: should the second change fail or be held, the next run looks at the object again.
    const bound = difference ? { ...link, fingerprint: null } : link;
    changes.push({ ...object, link: bound, verb: 'bind', revision });
  }
  if (difference) {
    changes.push({
      ...object,
      verb: difference.verb,
      parentId: desired.parent,
      before: difference.before,
      after: difference.after,
      revision,
    });
  }
  return changes;
}
