import type { z } from 'zod';
import type { mapSchema, mappingRuleSchema } from '@lockstep/contract/configuration.ts';
import type { ObjectKind } from '@lockstep/contract/vocabulary.ts';
import type { KindMapping, Mapping, MappingRule } from './rules.ts';

export type ConfiguredRule = z.infer<typeof mappingRuleSchema>;
export type ConfiguredMap = z.infer<typeof mapSchema>;

/** A rule as the configuration writes it; null has none. */
export function parseRule(rule: ConfiguredRule): MappingRule | null {
  if (rule === null) return null;
  if (typeof rule === 'string') return { from: [rule] };
  if (Array.isArray(rule)) return { from: rule };
  if ('cel' in rule) return { cel: rule.cel };
  return { value: typeof rule.value === 'string' ? [rule.value] : rule.value };
}

function overlay(
  defaults: KindMapping,
  configured: Readonly<Record<string, ConfiguredRule>> | undefined,
): KindMapping {
  const rules = new Map<string, readonly [string, MappingRule]>();
  for (const [target, rule] of Object.entries(defaults)) rules.set(target.toLowerCase(), [target, rule]);
  for (const [target, written] of Object.entries(configured ?? {})) {
    const rule = parseRule(written);
    if (rule === null) rules.delete(target.toLowerCase());
    else rules.set(target.toLowerCase(), [target, rule]);
  }
  return Object.fromEntries(rules.values());
}

/**
 * The mapping of a sync: the connector's default with the configured rules over it. A configured rule replaces the
 * default of the same target attribute, whatever its letter case; null takes it away, so that it is not managed.
 */
export function overlayMapping(defaults: Mapping, configured: ConfiguredMap | undefined): Mapping {
  const kind = (name: ObjectKind): KindMapping => overlay(defaults[name], configured?.[name]);
  return { organizationalUnit: kind('organizationalUnit'), user: kind('user'), group: kind('group') };
}
