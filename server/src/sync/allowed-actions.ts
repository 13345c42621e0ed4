import type { Kind, Verb } from '@lockstep/contract/vocabulary.ts';
import type { Image } from './image.ts';

/** What may be done in the target, by kind; a kind that is not named may have everything done. */
export type AllowedActions = Readonly<Partial<Record<Kind, readonly Verb[] | undefined>>>;

export function isAllowed(allowed: AllowedActions | undefined, kind: Kind, verb: Verb): boolean {
  return allowed?.[kind]?.includes(verb) ?? true;
}

/**
 * What an object shall be, as far as it may be changed: the rest stays as it is in the target. Pure.
 * @param managed attributes that the sync manages
 */
export function restrain(
  desired: Image,
  existing: Image,
  managed: readonly string[],
  may: (verb: Verb) => boolean,
): Image {
  const mayMove = may('move');
  const maySwitch = desired.enabled === null || may(desired.enabled ? 'enable' : 'disable');
  return {
    parent: mayMove ? desired.parent : existing.parent,
    name: mayMove ? desired.name : existing.name,
    enabled: maySwitch ? desired.enabled : existing.enabled,
    attributes: may('update') ? desired.attributes : onlyManaged(existing, managed),
  };
}

function onlyManaged({ attributes }: Image, managed: readonly string[]): Image['attributes'] {
  return Object.fromEntries(Object.entries(attributes).filter(([name]) => managed.includes(name)));
}
