import type { DirectoryFind, TenantView } from '../../../app/directory-search.ts';
import { ownSourceType, sourceTypeOf, type Source } from './source-types.ts';

/** The word for an account's, a field's or an application's state. */
export function statusOf(enabled: boolean): 'enabled' | 'disabled' {
  return enabled ? 'enabled' : 'disabled';
}

/** An empty parameter says nothing. */
export function given(text: string | undefined): string | undefined {
  return text === '' ? undefined : text;
}

/** The first value of an attribute that is text. */
export function textOf({ attributes }: Pick<DirectoryFind, 'attributes'>, name: string): string | undefined {
  const value = attributes[name]?.[0];
  return typeof value === 'string' ? value : undefined;
}

interface Originated {
  readonly id: string;
  readonly originId: string | null;
  readonly originType: string | null;
  readonly originAnnotations: Source['annotations'] | null;
}

/** Where a thing came from: the connection and its type, or this directory. */
export function sourceOf(
  found: Originated,
  instanceId: string,
): { readonly type: string; readonly id: string } {
  const { originId, originType, originAnnotations } = found;
  if (originId === null || originType === null) return { type: ownSourceType, id: instanceId };
  return { type: sourceTypeOf({ type: originType, annotations: originAnnotations ?? {} }), id: originId };
}

/** What another system calls it; its own id where none does. */
export function externalIdOf(found: DirectoryFind): string {
  return found.originExternalId ?? textOf(found, 'externalId') ?? found.id;
}

/** The id of a unit as this API gives it: the root has one, and is the parent of those without. */
export function shownUnitId(tenant: TenantView, unitId: string | null): string {
  return unitId ?? tenant.rootId;
}

/** The directory's own id of a unit that a caller names; null is the root. */
export function ownUnitId(tenant: TenantView, unitId: string): string | null {
  return unitId === tenant.rootId ? null : unitId;
}

/** Values of an attribute to be set; an empty text takes it away, undefined leaves it. */
export function setText(attribute: string, text: string | undefined): Record<string, string[]> {
  if (text === undefined) return {};
  return { [attribute]: text === '' ? [] : [text] };
}
