import type { AttributePath } from '../filter/ast.ts';

const name = String.raw`[A-Za-z][A-Za-z0-9_-]*|\$ref`;
const dotted = new RegExp(`^(${name})(?:\\.(${name}))?$`);

/** Names of an attribute, as `userName`, `name.givenName`, `urn:...:User:manager.value`; undefined where it is none. */
export function findAttributePath(text: string): AttributePath | undefined {
  // In a URN dots and digits belong to it; the attribute is what follows the last colon (RFC 7644 section 3.10).
  const colon = /^urn:/i.test(text) ? text.lastIndexOf(':') : -1;
  const found = dotted.exec(text.slice(colon + 1));
  const [, attribute, subAttribute] = found ?? [];
  if (attribute === undefined) return undefined;
  return {
    ...(colon === -1 ? {} : { schema: text.slice(0, colon) }),
    name: attribute,
    ...(subAttribute === undefined ? {} : { subAttribute }),
  };
}

export function renderAttributePath({ schema, name, subAttribute }: AttributePath): string {
  const prefix = schema === undefined ? '' : `${schema}:`;
  return `${prefix}${name}${subAttribute === undefined ? '' : `.${subAttribute}`}`;
}
