import type { ObjectKind } from '@lockstep/contract/vocabulary.ts';
import { attributesFromJson } from '../directory/attributes.ts';
import type { JsonAttributes } from '../directory/attributes.ts';
import type { ChangeWriter } from './change-writer.ts';
import { mergeContributions } from './contributions.ts';
import { diffImages } from './diff.ts';
import type { Difference } from './diff.ts';
import { directoryImage } from './image.ts';
import { heldContribution, otherContributions, sameText, withKeys } from './plan-ingress.ts';
import type { PlannedChange } from './planned-change.ts';
import type { Run } from './run-context.ts';
import type { Referrer, RefreshedLink, Staging } from './sync-store.ts';

/** The values of the attributes that name others, as this sync says them now. */
function namedValues({ named }: Referrer): JsonAttributes {
  return Object.fromEntries(
    Object.entries(named).flatMap(([attribute, pairs]) => {
      const ids = pairs.flatMap(([, id]) => id ?? []);
      return ids.length > 0 ? [[attribute, ids]] : [];
    }),
  );
}

interface Planned {
  readonly difference: Difference | null;
  /** Set where other syncs feed the object, too. */
  readonly contribution: JsonAttributes | null;
}

function planReferrer(run: Run, referrer: Referrer): Planned {
  const { kind, directory, named, others, ownContribution } = referrer;
  const names = Object.keys(named);
  const existing = directoryImage(kind, directory);
  let values = namedValues(referrer);
  let contribution: JsonAttributes | null = null;
  if (others.length > 0 || ownContribution !== null) {
    contribution = { ...(ownContribution ?? heldContribution(run, kind, directory, run.sync.serial)) };
    for (const name of names) delete contribution[name];
    Object.assign(contribution, values);
    const contributions = [
      { syncSerial: run.sync.serial, values: contribution },
      ...otherContributions(run, kind, directory, others),
    ];
    values = mergeContributions(contributions, names, run.specification.precedence);
  }
  const kept = Object.entries(existing.attributes).filter(([name]) => !names.includes(name));
  const attributes = { ...Object.fromEntries(kept), ...attributesFromJson(values) };
  const desired = { ...existing, attributes };
  return { difference: diffImages(desired, existing, { managed: names, sameName: sameText }), contribution };
}

/**
 * Ingress: plans the objects of a kind whose records did not change, while the references in them have come to others;
 * returns how many of them change.
 */
export async function planReferrers(
  run: Run,
  staging: Staging,
  kind: ObjectKind,
  writer: ChangeWriter,
): Promise<number> {
  let changed = 0;
  for await (const page of staging.referrers(kind)) {
    run.signal.throwIfAborted();
    const changes: PlannedChange[] = [];
    const refreshed: RefreshedLink[] = [];
    for (const referrer of page) {
      const { externalId, objectId, link, directory } = referrer;
      const { difference, contribution } = planReferrer(run, referrer);
      const { revision } = directory;
      if (difference === null) {
        refreshed.push({ kind, externalId, objectId, link, revision, contribution });
        continue;
      }
      const { verb, before, after } = difference;
      const label = directory.name;
      const change = { kind, verb, label, objectId, externalId, link, revision, contribution, before, after };
      changes.push(withKeys(run, change));
    }
    if (refreshed.length > 0) await staging.refreshLinks(refreshed);
    await writer.write(changes);
    changed += changes.length;
  }
  return changed;
}
