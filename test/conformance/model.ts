import type { ObjectKind } from '../../contract/src/vocabulary.ts';
import type { Attributes } from '../../server/src/directory/attributes.ts';
import type { Command } from './commands.ts';

/** What one object must be. */
export interface ModelObject {
  readonly kind: ObjectKind;
  readonly parent: string | null;
  readonly attributes: Attributes;
  readonly enabled: boolean;
  readonly members: ReadonlySet<string>;
}

/** What a target must hold, by the keys of the commands. */
export type Model = ReadonlyMap<string, ModelObject>;

function merge(before: Attributes, set: Attributes): Attributes {
  return Object.fromEntries(Object.entries({ ...before, ...set }).filter(([, values]) => values.length > 0));
}

export function getModelObject(model: Model, key: string): ModelObject {
  const object = model.get(key);
  if (object === undefined) throw new Error(`the table names ${key} before it creates it`);
  return object;
}

function withoutMember(object: ModelObject, member: string): ModelObject {
  return { ...object, members: new Set([...object.members].filter((other) => other !== member)) };
}

type Change = Exclude<Command, { readonly verb: 'create' | 'delete' }>;

function change(object: ModelObject, command: Change): ModelObject {
  if (command.verb === 'update')
    return { ...object, attributes: merge(object.attributes, command.attributes) };
  if (command.verb === 'move') {
    const parent = command.parent === undefined ? object.parent : command.parent;
    return { ...object, parent, attributes: merge(object.attributes, command.attributes) };
  }
  if (command.verb === 'addMember')
    return { ...object, members: new Set([...object.members, command.member]) };
  if (command.verb === 'removeMember') return withoutMember(object, command.member);
  return { ...object, enabled: command.verb === 'enable' };
}

/** The model after a command; one that must fail changes nothing. */
export function applyToModel(model: Model, command: Command): Model {
  if (command.fails === true) return model;
  const next = new Map(model);
  if (command.verb === 'create') {
    const { kind, parent, attributes, enabled = true } = command;
    return next.set(command.key, {
      kind,
      parent,
      attributes: merge({}, attributes),
      enabled,
      members: new Set(),
    });
  }
  if (command.verb === 'delete') {
    next.delete(command.key);
    return next;
  }
  return next.set(command.key, change(getModelObject(model, command.key), command));
}
