import { LockstepError } from '../../kernel/errors.ts';
import type { ScimProfile } from '../profile.ts';
import { isAssigned, isBlank, isJsonList, isJsonObject, type Json, type ScimResource } from '../resource.ts';
import { sameJson } from '../same-json.ts';
import type { ResourceModel } from '../schema/model.ts';
import { withSchemas } from '../schema/normalize.ts';
import type { ValueRules } from '../schema/normalize-value.ts';
import { listEdits, type PatchEdit } from './edit.ts';
import { MemberEdits, type MemberPatch } from './members.ts';
import { editValues } from './multi-valued.ts';
import type { PatchOperation } from './request.ts';
import { checkImmutable, editValue, notMutable } from './single-valued.ts';

export interface PatchOptions {
  readonly profile: ScimProfile;
  /** An attribute that the resource was given without: what becomes of it is told in `members`. */
  readonly apart?: 'members';
}

export interface PatchResult {
  readonly resource: ScimResource;
  /** Whether the resource differs from the one given, members apart. */
  readonly changed: boolean;
  /** What becomes of the members where they are handled apart; empty otherwise. */
  readonly members: MemberPatch;
  /** Paths of what was passed over, as the profile allows. */
  readonly ignored: readonly string[];
}

/**
 * Applies the operations of a PATCH in order (RFC 7644 section 3.5.2), all or none: the resource given is not changed.
 * Its attributes must have their proper names, as normalizeResource gives them. Takes time linear in the operations; values of one attribute are looked at once for each operation on it.
 * @throws {LockstepError} InvalidPath, InvalidValue, NotMutable, NoTarget, RequiredValueMissing, LimitExceeded
 */
export function applyPatch(
  resource: ScimResource,
  operations: readonly PatchOperation[],
  model: ResourceModel,
  { profile, apart }: PatchOptions,
): PatchResult {
  const ignored: string[] = [];
  const ignore = (path: string) => ignored.push(path);
  const rules: ValueRules = { profile, readOnly: 'drop', ignore };
  const draft = new ResourceDraft(resource, rules);
  const members = new MemberEdits(rules);
  for (const operation of operations) {
    for (const edit of listEdits(operation, { model, profile, ignore })) {
      if (edit.target.extension === undefined && edit.target.attribute.name === apart) members.apply(edit);
      else draft.apply(edit);
    }
  }
  const patched = draft.finish();
  const changed = !sameJson(resource, patched);
  return {
    resource: changed ? withSchemas(patched, model) : resource,
    changed,
    members: members.patch,
    ignored,
  };
}

// A hostile PATCH could have thousands of operations look at thousands of values.
const mostVisits = 300_000;

class ResourceDraft {
  readonly #top: Record<string, Json>;
  readonly #containers = new Map<string, Record<string, Json>>();
  readonly #rules: ValueRules;
  #visits = 0;

  constructor(resource: ScimResource, rules: ValueRules) {
    this.#top = { ...resource };
    this.#rules = rules;
  }

  apply(edit: PatchEdit): void {
    const { attribute, extension, written } = edit.target;
    const container = extension === undefined ? this.#top : this.#container(extension);
    const current = container[attribute.name];
    const next = attribute.multiValued
      ? this.#editList(edit, current)
      : editValue(edit, current, this.#rules);
    if (attribute.mutability === 'immutable') checkImmutable(current, next, written);
    if (attribute.required && isBlank(next)) throw notMutable(written, 'is required');
    if (isAssigned(next)) container[attribute.name] = next;
    else delete container[attribute.name];
  }

  finish(): ScimResource {
    for (const [urn, container] of this.#containers) {
      if (isAssigned(container)) this.#top[urn] = container;
      else delete this.#top[urn];
    }
    return this.#top;
  }

  #editList(edit: PatchEdit, current: Json | undefined): Json {
    const values = isJsonList(current) ? current : [];
    this.#visits += values.length;
    if (this.#visits > mostVisits) throw new LockstepError('LimitExceeded', 'The PATCH is too large.');
    return editValues(edit, values, this.#rules);
  }

  #container(urn: string): Record<string, Json> {
    const known = this.#containers.get(urn);
    if (known !== undefined) return known;
    const current = this.#top[urn];
    const copy = isJsonObject(current) ? { ...current } : {};
    this.#containers.set(urn, copy);
    return copy;
  }
}
