import { LockstepError } from '../../kernel/errors.ts';
import { elementOf, matchesFilter } from '../filter/matches.ts';
import type { ResolvedFilter } from '../filter/resolved.ts';
import { isJsonList, isJsonObject, type Json, type JsonObject } from '../resource.ts';
import { normalizeList, type ValueRules } from '../schema/normalize-value.ts';
import type { PatchEdit } from './edit.ts';

/** A member as a client names it. */
export interface MemberReference {
  /** Id of the member in this service. */
  readonly value: string;
  readonly type?: string;
  readonly display?: string;
  readonly $ref?: string;
}

/**
 * What a PATCH makes of a group's members, told without looking at them: the new members are those there were (none if
 * `replaced`), without `removed` and without those that a filter of `removedWhere` matches, and with `added`.
 */
export interface MemberPatch {
  readonly replaced: boolean;
  readonly added: readonly MemberReference[];
  /** Ids, none of which is in `added`. */
  readonly removed: readonly string[];
  /** Filters over members that are no plain list of ids, as `members[type eq "Group"]`; nearly always empty. */
  readonly removedWhere: readonly ResolvedFilter[];
}

export function isEmptyMemberPatch({ replaced, added, removed, removedWhere }: MemberPatch): boolean {
  return !replaced && added.length === 0 && removed.length === 0 && removedWhere.length === 0;
}

/** Takes edits of `members` one after the other and tells what they come to; linear in the size of the edits. */
export class MemberEdits {
  readonly #rules: ValueRules;
  #replaced = false;
  readonly #added = new Map<string, MemberReference>();
  readonly #removed = new Set<string>();
  readonly #removedWhere: ResolvedFilter[] = [];

  constructor(rules: ValueRules) {
    this.#rules = rules;
  }

  get patch(): MemberPatch {
    return {
      replaced: this.#replaced,
      added: [...this.#added.values()],
      removed: [...this.#removed],
      removedWhere: [...this.#removedWhere],
    };
  }

  /** @throws {LockstepError} InvalidValue for what names no member, NotMutable for changes within a member */
  apply(edit: PatchEdit): void {
    const { op, target, value } = edit;
    if (target.subAttribute !== undefined) throw immutable(target.written);
    if (target.filter !== undefined) this.#applySelected(edit, target.filter);
    else if (op === 'remove') this.#removeListed(edit);
    else {
      if (op === 'replace') this.#clear();
      for (const member of this.#references(edit, value)) this.#add(member);
    }
  }

  #applySelected({ op, target }: PatchEdit, filter: ResolvedFilter): void {
    const ids = listIds(filter);
    if (op === 'remove') {
      if (ids === undefined) this.#removeWhere(filter);
      else for (const id of ids) this.#remove(id);
      return;
    }
    // `add` to members[value eq "x"] can only mean that x is to be a member.
    if (op !== 'add' || ids === undefined || !this.#rules.profile.createByFilter)
      throw immutable(target.written);
    for (const value of ids) this.#add({ value });
  }

  #removeListed(edit: PatchEdit): void {
    if (edit.value === undefined || edit.value === null) this.#clear();
    else if (this.#rules.profile.removeByValue) {
      for (const { value } of this.#references(edit, edit.value)) this.#remove(value);
    } else {
      // To remove all members here would be the letter of the RFC, and never what was meant.
      throw new LockstepError(
        'InvalidValue',
        'A removal takes no value; select members by a filter in the path.',
        {
          field: edit.target.written,
        },
      );
    }
  }

  #references({ target }: PatchEdit, value: Json | undefined): MemberReference[] {
    if (value === undefined || value === null) return [];
    // One member need not be a list (RFC 7644 section 3.5.2.1).
    const list = isJsonList(value) ? value : [value];
    return normalizeList(target.attribute, list, target.written, this.#rules).map((member) => {
      if (isReference(member)) return member;
      throw new LockstepError('InvalidValue', `A member of "${target.written}" needs a "value", its id.`, {
        field: target.written,
      });
    });
  }

  #add(member: MemberReference): void {
    this.#removed.delete(member.value);
    this.#added.set(member.value, { ...this.#added.get(member.value), ...member });
  }

  #remove(id: string): void {
    this.#added.delete(id);
    if (!this.#replaced) this.#removed.add(id);
  }

  #removeWhere(filter: ResolvedFilter): void {
    for (const [id, member] of this.#added) {
      if (matchesFilter(filter, { ...member })) this.#added.delete(id);
    }
    if (!this.#replaced) this.#removedWhere.push(filter);
  }

  #clear(): void {
    this.#replaced = true;
    this.#added.clear();
    this.#removed.clear();
    this.#removedWhere.length = 0;
  }
}

function isReference(member: Json): member is JsonObject & MemberReference {
  return isJsonObject(member) && typeof member['value'] === 'string' && member['value'] !== '';
}

function immutable(written: string): LockstepError {
  return new LockstepError('NotMutable', `"${written}": a member is added and removed, not changed.`, {
    field: written,
  });
}

/** The ids that a filter names, if that is all it does: `value eq "a"`, or several of them joined by `or`. */
export function listIds(filter: ResolvedFilter): string[] | undefined {
  if (filter.kind === 'compare') {
    const named = filter.operator === 'eq' && filter.path.attribute.name === 'value';
    return named && typeof filter.value === 'string' ? [filter.value] : undefined;
  }
  if (filter.kind !== 'or') return undefined;
  const lists = filter.operands.map(listIds);
  return lists.includes(undefined) ? undefined : lists.flatMap((list) => list ?? []);
}

/** The members that a patch makes of those there were: for those who hold them all in memory. */
export function applyMemberPatch(members: readonly Json[], patch: MemberPatch): Json[] {
  const added = new Map(patch.added.map((member) => [member.value, member]));
  const removed = new Set(patch.removed);
  const kept = (patch.replaced ? [] : members).filter((member) => {
    const id = elementOf(member)['value'];
    if (typeof id === 'string' && added.delete(id)) return true;
    return (
      !(typeof id === 'string' && removed.has(id)) &&
      !patch.removedWhere.some((each) => matchesFilter(each, elementOf(member)))
    );
  });
  return [...kept, ...[...added.values()].map((member): Json => ({ ...member }))];
}
