import { LockstepError } from '../../kernel/errors.ts';
import { elementOf, matchesFilter } from '../filter/matches.ts';
import type { ResolvedFilter } from '../filter/resolved.ts';
import { isAssigned, isJsonList, isJsonObject, type Json, type JsonObject } from '../resource.ts';
import type { ScimAttribute } from '../schema/attribute.ts';
import { isPrimary, keepOnePrimary, mergeValues, subtractValues } from '../schema/multi-value.ts';
import { normalizeList, normalizeValue, type ValueRules } from '../schema/normalize-value.ts';
import { sameJson } from '../same-json.ts';
import type { PatchEdit } from './edit.ts';
import { setMember } from './single-valued.ts';

/**
 * The values of a multi-valued attribute after an edit (RFC 7644 section 3.5.2); none left is an empty list.
 * @throws {LockstepError} NoTarget, InvalidValue, NotMutable
 */
export function editValues(edit: PatchEdit, current: readonly Json[], rules: ValueRules): readonly Json[] {
  const { target, op } = edit;
  if (target.filter !== undefined || target.subAttribute !== undefined) {
    return editSelected(edit, current, rules);
  }
  if (op === 'remove') return removeValues(edit, current, rules);
  const values = listValues(edit, rules);
  return mergeValues(target.attribute, op === 'add' ? current : [], values);
}

function listValues({ target, value }: PatchEdit, rules: ValueRules): Json[] {
  if (value === undefined || value === null) return [];
  return normalizeList(target.attribute, isJsonList(value) ? value : [value], target.written, rules);
}

function removeValues(edit: PatchEdit, current: readonly Json[], rules: ValueRules): readonly Json[] {
  const { target, value } = edit;
  if (value === undefined || value === null) return [];
  if (!rules.profile.removeByValue) {
    throw fault(
      'InvalidValue',
      target.written,
      'takes no value in a removal: select values by a filter in the path',
    );
  }
  return subtractValues(target.attribute, current, listValues(edit, rules));
}

function editSelected(edit: PatchEdit, current: readonly Json[], rules: ValueRules): readonly Json[] {
  const { target, op } = edit;
  const { attribute, filter } = target;
  const selected = (value: Json) => filter === undefined || matchesFilter(filter, elementOf(value));
  if (!current.some(selected)) return editNone(edit, current, rules);
  if (op === 'remove' && target.subAttribute === undefined)
    return current.filter((value) => !selected(value));
  const written: Json[] = [];
  const values = current.flatMap((value): Json[] => {
    if (!selected(value)) return [value];
    const changed = editOne(edit, value, rules);
    // Only a write of `primary` unseats the others; a value that has been primary before does not.
    if (isPrimary(changed) && !isPrimary(value)) written.push(changed);
    return isAssigned(changed) ? [changed] : [];
  });
  return keepOnePrimary(values, attribute, written);
}

/** Nothing is selected: a filter may describe the value to make; else there is nothing that could be changed. */
function editNone(edit: PatchEdit, current: readonly Json[], rules: ValueRules): readonly Json[] {
  const { op, target } = edit;
  if (op === 'remove' || edit.value === null) {
    if (rules.profile.ignoreMissing) return current;
    throw fault('NoTarget', target.written, 'matches no value');
  }
  const described = target.filter === undefined ? {} : findEqualities(target.filter);
  if (!rules.profile.createByFilter || described === undefined || target.attribute.type !== 'complex') {
    throw fault('NoTarget', target.written, 'matches no value');
  }
  return mergeValues(target.attribute, current, [editOne(edit, described, rules)]);
}

function editOne({ op, target, value = null }: PatchEdit, current: Json, rules: ValueRules): Json {
  const { attribute, filter, subAttribute, written } = target;
  if (subAttribute !== undefined) {
    return setMember(elementOf(current), subAttribute, op === 'remove' ? null : value, written, rules);
  }
  const normal = normalizeValue({ ...attribute, multiValued: false }, value, written, rules) ?? null;
  if (!isJsonObject(normal) || !isJsonObject(current)) return normal;
  checkImmutable(attribute, current, normal, written);
  if (op === 'add') return { ...current, ...normal };
  // A replacement without the sub-attributes that it was selected by is still the value they describe.
  const described = rules.profile.createByFilter && filter !== undefined ? findEqualities(filter) : undefined;
  return { ...described, ...normal };
}

function checkImmutable(
  attribute: ScimAttribute,
  before: JsonObject,
  after: JsonObject,
  written: string,
): void {
  for (const { name, mutability } of attribute.subAttributes ?? []) {
    if (mutability === 'immutable' && isAssigned(before[name]) && !sameJson(before[name], after[name])) {
      throw fault('NotMutable', written, `cannot change "${name}", which is set once and for all`);
    }
  }
}

/** The sub-attributes that a filter demands to equal something, if it demands nothing else. */
export function findEqualities(filter: ResolvedFilter): JsonObject | undefined {
  if (filter.kind === 'compare') {
    return filter.operator === 'eq' ? { [filter.path.attribute.name]: filter.value } : undefined;
  }
  if (filter.kind !== 'and') return undefined;
  const parts = filter.operands.map(findEqualities);
  return parts.includes(undefined) ? undefined : Object.assign({}, ...parts);
}

function fault(code: 'NoTarget' | 'InvalidValue' | 'NotMutable', path: string, text: string): LockstepError {
  return new LockstepError(code, `"${path}" ${text}.`, { field: path });
}
