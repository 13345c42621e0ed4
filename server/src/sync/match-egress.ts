import type { ObjectKind } from '@lockstep/contract/vocabulary.ts';
import { objectKinds } from '@lockstep/contract/vocabulary.ts';
import { valuesOf } from '../directory/attributes.ts';
import type { AttributeValue, Attributes } from '../directory/attributes.ts';
import { LockstepError } from '../kernel/errors.ts';
import { egressSource } from './egress-source.ts';
import { matchTexts } from './match-key.ts';
import type { Run } from './run-context.ts';
import type { Staging } from './sync-store.ts';

/** For each match rule of a kind the target attribute that it compares; null where there is none. */
export type RuleTargets = Readonly<Record<ObjectKind, readonly (string | null)[]>>;

/** The attribute that the mapping fills from the rule's directory attribute. */
function targetAttribute(run: Run, kind: ObjectKind, rule: string): string | null {
  if (rule === 'path') return null;
  for (const explanation of run.specification.mapping.explain(kind, { [rule]: ['x'] })) {
    if ('from' in explanation.rule && explanation.rule.from.includes(rule)) return explanation.target;
  }
  return null;
}

export function ruleTargets(run: Run): RuleTargets {
  const targets: Record<ObjectKind, readonly (string | null)[]> = {
    organizationalUnit: [],
    user: [],
    group: [],
  };
  for (const kind of objectKinds) {
    targets[kind] = run.specification.match[kind].map((rule) => targetAttribute(run, kind, rule));
  }
  return targets;
}

function valuesInAnyCase(attributes: Attributes, name: string): readonly AttributeValue[] | undefined {
  const exact = valuesOf(attributes, name);
  if (exact) return exact;
  const lower = name.toLowerCase();
  return Object.entries(attributes).find(([key]) => key.toLowerCase() === lower)?.[1];
}

/** Match values of an unlinked entry of the target, by rule. */
export function targetRuleValues(targets: readonly (string | null)[], attributes: Attributes) {
  return targets.flatMap((target, rule) => {
    const values = target === null ? undefined : valuesInAnyCase(attributes, target);
    return values ? [{ rule, values }] : [];
  });
}

/** Puts match values of directory objects that are not linked yet beside those of the target's entries. */
export async function stageSourceMatches(
  run: Run,
  staging: Staging,
  kind: ObjectKind,
  targets: readonly (string | null)[],
): Promise<void> {
  if (targets.every((target) => target === null)) return;
  for await (const page of staging.unlinkedSources(kind)) {
    const rows = page.flatMap(({ objectId, directory }) => {
      const desired = mapQuietly(run, kind, egressSource(kind, objectId, directory));
      return targets.flatMap((target, rule) => {
        const values = target === null || desired === null ? undefined : valuesOf(desired, target);
        return values ? matchTexts(values).map((value) => ({ kind, objectId, rule, value })) : [];
      });
    });
    if (rows.length > 0) await staging.stageSourceMatches(rows);
  }
}

/** What the mapping makes of an object; null where it fails: the object's own row says so when it is planned. */
export function mapQuietly(run: Run, kind: ObjectKind, attributes: Attributes): Attributes | null {
  try {
    return run.specification.mapping[kind](attributes);
  } catch (error) {
    if (error instanceof LockstepError) return null;
    throw error;
  }
}
