import { LockstepError } from '../../kernel/errors.ts';
import type { ScimProfile } from '../profile.ts';
import { foldCase, isJsonObject, type Json } from '../resource.ts';
import type { ResourceModel } from '../schema/model.ts';
import { type AttributeTarget, findPatchTarget } from './target.ts';
import type { PatchOperation } from './request.ts';

/** One attribute, and what is done to it: an operation without a path has as many as its value has members. */
export interface PatchEdit {
  readonly op: PatchOperation['op'];
  readonly target: AttributeTarget;
  /** Undefined for a removal, null where a value becomes unassigned. */
  readonly value: Json | undefined;
}

export interface EditContext {
  readonly model: ResourceModel;
  readonly profile: ScimProfile;
  readonly ignore: (path: string) => void;
}

/**
 * The edits of an operation, in order.
 * @throws {LockstepError} InvalidPath, InvalidValue, NotMutable for a read-only attribute, NoTarget for a removal of
 * nothing in particular (RFC 7644 section 3.5.2.2)
 */
export function listEdits(operation: PatchOperation, context: EditContext): PatchEdit[] {
  const { op, path, value } = operation;
  if (op !== 'remove' && value === undefined) {
    throw new LockstepError('InvalidValue', `An operation "${op}" needs a value.`, {
      field: path ?? 'value',
    });
  }
  const target =
    path === undefined
      ? { kind: 'resource' as const }
      : findPatchTarget(path, context.model, context.profile);
  if (target === undefined) return passOver(path ?? '', context);
  if (target.kind === 'attribute') return writable({ op, target, value }, context);
  if (target.kind === 'extension') return listExtensionEdits(op, target.schema.id, value, context);
  if (op === 'remove' && !(context.profile.removeByValue && isJsonObject(value))) {
    throw new LockstepError('NoTarget', 'A removal needs a path.', { field: 'path' });
  }
  return members(value).flatMap(([key, each]) => listKeyEdits(op, key, each, context));
}

function members(value: Json | undefined): [string, Json][] {
  if (!isJsonObject(value)) {
    throw new LockstepError('InvalidValue', 'Without a path, the value must be an object.', {
      field: 'value',
    });
  }
  return Object.entries(value);
}

/** A member of the value of an operation without a path. */
function listKeyEdits(op: PatchOperation['op'], key: string, value: Json, context: EditContext): PatchEdit[] {
  // It comes along in many requests, and is what the content says.
  if (foldCase(key) === 'schemas') return [];
  const isPath = /[.[:]/.test(key);
  const extension = context.model.extensions.some(({ id }) => foldCase(id) === foldCase(key));
  if (isPath && !extension && !context.profile.pathKeys) return passOver(key, context);
  const target = findPatchTarget(key, context.model, context.profile);
  if (target?.kind === 'extension') return listExtensionEdits(op, target.schema.id, value, context);
  return target?.kind === 'attribute' ? writable({ op, target, value }, context) : passOver(key, context);
}

function listExtensionEdits(
  op: PatchOperation['op'],
  urn: string,
  value: Json | undefined,
  context: EditContext,
): PatchEdit[] {
  const schema = context.model.extensions.find(({ id }) => id === urn);
  if (value === undefined || value === null) {
    return (schema?.attributes ?? [])
      .filter(({ mutability }) => mutability !== 'readOnly')
      .map((attribute) => ({ op: 'remove', target: wholeAttribute(urn, attribute), value: undefined }));
  }
  return members(value).flatMap(([key, each]) => {
    const target = findPatchTarget(`${urn}:${key}`, context.model, context.profile);
    return target?.kind === 'attribute'
      ? writable({ op, target, value: each }, context)
      : passOver(`${urn}:${key}`, context);
  });
}

function wholeAttribute(extension: string, attribute: AttributeTarget['attribute']): AttributeTarget {
  const written = `${extension}:${attribute.name}`;
  return { kind: 'attribute', extension, attribute, filter: undefined, subAttribute: undefined, written };
}

function writable(edit: PatchEdit, context: EditContext): PatchEdit[] {
  const { attribute, subAttribute, written } = edit.target;
  if (attribute.mutability !== 'readOnly' && subAttribute?.mutability !== 'readOnly') return [edit];
  if (!context.profile.ignoreReadOnly) {
    throw new LockstepError('NotMutable', `"${written}" is read-only.`, { field: written });
  }
  context.ignore(written);
  return [];
}

function passOver(path: string, { profile, model, ignore }: EditContext): PatchEdit[] {
  if (!profile.ignoreMissing) {
    throw new LockstepError('InvalidPath', `${model.type.name} has no attribute "${path}".`, { field: path });
  }
  ignore(path);
  return [];
}
