import type { AttributeValue, Attributes } from '../../server/src/directory/attributes.ts';
import type { ObjectKind } from '../../contract/src/vocabulary.ts';

/**
 * A transition is written in the directory's words: objects have a key, by which later commands mean them, and
 * attributes under their directory names. `fails` says that the target must refuse the command and go on.
 */
export type Command = { readonly fails?: true } & (
  | {
      readonly verb: 'create';
      readonly key: string;
      readonly kind: ObjectKind;
      readonly parent: string | null;
      readonly attributes: Attributes;
      readonly enabled?: boolean;
    }
  | { readonly verb: 'update'; readonly key: string; readonly attributes: Attributes }
  | {
      readonly verb: 'move';
      readonly key: string;
      /** undefined: stays; null: right below the node. */
      readonly parent?: string | null;
      readonly attributes: Attributes;
    }
  | { readonly verb: 'disable' | 'enable' | 'delete'; readonly key: string }
  | { readonly verb: 'addMember' | 'removeMember'; readonly key: string; readonly member: string }
);

type Values = string | AttributeValue | readonly AttributeValue[];

function lists(attributes: Readonly<Record<string, Values>>): Attributes {
  return Object.fromEntries(
    Object.entries(attributes).map(([name, value]) => [
      name,
      Array.isArray(value) ? (value as readonly AttributeValue[]) : [value as AttributeValue],
    ]),
  );
}

type Given = Readonly<Record<string, Values>>;

export function user(key: string, given: Given = {}, parent: string | null = null): Command {
  const attributes = lists({ username: key, commonName: key, familyName: key, ...given });
  return { verb: 'create', key, kind: 'user', parent, attributes };
}

export function unit(key: string, given: Given = {}, parent: string | null = null): Command {
  return {
    verb: 'create',
    key,
    kind: 'organizationalUnit',
    parent,
    attributes: lists({ name: key, ...given }),
  };
}

export function group(key: string, given: Given = {}, parent: string | null = null): Command {
  return { verb: 'create', key, kind: 'group', parent, attributes: lists({ name: key, ...given }) };
}

/** An empty list removes the attribute. */
export function update(key: string, given: Given): Command {
  return { verb: 'update', key, attributes: lists(given) };
}

export function rename(key: string, given: Given): Command {
  return { verb: 'move', key, attributes: lists(given) };
}

export function moveTo(key: string, parent: string | null, given: Given = {}): Command {
  return { verb: 'move', key, parent, attributes: lists(given) };
}

export function remove(key: string): Command {
  return { verb: 'delete', key };
}

export function disable(key: string): Command {
  return { verb: 'disable', key };
}

export function enable(key: string): Command {
  return { verb: 'enable', key };
}

export function join(key: string, member: string): Command {
  return { verb: 'addMember', key, member };
}

export function leave(key: string, member: string): Command {
  return { verb: 'removeMember', key, member };
}

export function failing(command: Command): Command {
  return { ...command, fails: true };
}
