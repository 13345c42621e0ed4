import type { BerWriter } from '../ber/writer.ts';
import { tags } from '../ber/reader.ts';
import { type Filter, parseFilter, encodeFilter } from '../filter/filter.ts';
import { type Control, writeControls } from '../controls/control.ts';
import { operations } from './operations.ts';

export type WriteOperation = (writer: BerWriter) => void;
export type AttributeBytes = string | Uint8Array;

/** One LDAPMessage (RFC 4511 section 4.1.1). */
export function encodeMessage(
  writer: BerWriter,
  messageId: number,
  write: WriteOperation,
  controls: readonly Control[] = [],
): Buffer {
  writer.reset();
  writer.begin();
  writer.integer(messageId);
  write(writer);
  writeControls(writer, controls);
  writer.end();
  return writer.take();
}

/** Simple bind (section 4.2); an empty DN and password are the anonymous bind. */
export function simpleBind(dn: string, password: string): WriteOperation {
  return (writer) => {
    writer.begin(operations.bindRequest);
    writer.integer(3);
    writer.octets(dn);
    writer.octets(password, 0x80);
    writer.end();
  };
}

/** SASL EXTERNAL (RFC 4422 appendix A): who the connection is, by its certificate or its local socket. */
export function externalBind(authzId: string): WriteOperation {
  return (writer) => {
    writer.begin(operations.bindRequest);
    writer.integer(3);
    writer.octets('');
    writer.begin(0xa3);
    writer.octets('EXTERNAL');
    writer.octets(authzId);
    writer.end();
    writer.end();
  };
}

export function unbind(): WriteOperation {
  return (writer) => writer.null(operations.unbindRequest);
}

export function abandon(messageId: number): WriteOperation {
  return (writer) => writer.integer(messageId, operations.abandonRequest);
}

export const searchScopes = { base: 0, one: 1, sub: 2, children: 3 } as const;
export const aliasDereferencing = { never: 0, searching: 1, finding: 2, always: 3 } as const;

export interface SearchParameters {
  readonly base: string;
  /** `children` is the scope of RFC 4526 drafts that OpenLDAP knows: the subtree without its base. */
  readonly scope: keyof typeof searchScopes;
  readonly filter: string | Filter;
  /** `*` all user attributes, `+` all operational ones, `1.1` none; absent: all user attributes. */
  readonly attributes?: readonly string[] | undefined;
  readonly typesOnly?: boolean | undefined;
  /** Entries; 0 or absent: no limit of the client's. */
  readonly sizeLimit?: number | undefined;
  /** Seconds; 0 or absent: no limit of the client's. */
  readonly timeLimit?: number | undefined;
  readonly derefAliases?: keyof typeof aliasDereferencing | undefined;
}

/** @throws LockstepError InvalidFilter, at once. */
export function search(parameters: SearchParameters): WriteOperation {
  const { filter } = parameters;
  const parsed = typeof filter === 'string' ? parseFilter(filter) : filter;
  return (writer) => {
    writer.begin(operations.searchRequest);
    writer.octets(parameters.base);
    writer.integer(searchScopes[parameters.scope], tags.enumerated);
    writer.integer(aliasDereferencing[parameters.derefAliases ?? 'never'], tags.enumerated);
    writer.integer(parameters.sizeLimit ?? 0);
    writer.integer(parameters.timeLimit ?? 0);
    writer.boolean(parameters.typesOnly ?? false);
    encodeFilter(parsed, writer);
    writer.begin();
    for (const attribute of parameters.attributes ?? []) writer.octets(attribute);
    writer.end();
    writer.end();
  };
}

export function add(
  dn: string,
  attributes: Readonly<Record<string, readonly AttributeBytes[]>>,
): WriteOperation {
  return (writer) => {
    writer.begin(operations.addRequest);
    writer.octets(dn);
    writer.begin();
    for (const [name, values] of Object.entries(attributes)) {
      // An attribute without values is not allowed in an add (section 4.7).
      if (values.length > 0) writeAttribute(writer, name, values);
    }
    writer.end();
    writer.end();
  };
}

const modificationOperations = { add: 0, delete: 1, replace: 2, increment: 3 } as const;

export interface Modification {
  /** `delete` without values removes the attribute, `replace` without values too, even one that is absent. */
  readonly operation: keyof typeof modificationOperations;
  readonly attribute: string;
  readonly values?: readonly AttributeBytes[];
}

export function modify(dn: string, modifications: readonly Modification[]): WriteOperation {
  return (writer) => {
    writer.begin(operations.modifyRequest);
    writer.octets(dn);
    writer.begin();
    for (const { operation, attribute, values } of modifications) {
      writer.begin();
      writer.integer(modificationOperations[operation], tags.enumerated);
      writeAttribute(writer, attribute, values ?? []);
      writer.end();
    }
    writer.end();
    writer.end();
  };
}

export interface NewName {
  readonly newRdn: string;
  readonly deleteOldRdn: boolean;
  /** DN of the new parent; absent: the entry stays where it is. */
  readonly newSuperior?: string | undefined;
}

export function modifyDn(dn: string, name: NewName): WriteOperation {
  return (writer) => {
    writer.begin(operations.modifyDnRequest);
    writer.octets(dn);
    writer.octets(name.newRdn);
    writer.boolean(name.deleteOldRdn);
    if (name.newSuperior !== undefined) writer.octets(name.newSuperior, 0x80);
    writer.end();
  };
}

export function remove(dn: string): WriteOperation {
  return (writer) => writer.octets(dn, operations.deleteRequest);
}

export function compare(dn: string, attribute: string, value: AttributeBytes): WriteOperation {
  return (writer) => {
    writer.begin(operations.compareRequest);
    writer.octets(dn);
    writer.begin();
    writer.octets(attribute);
    writer.octets(value);
    writer.end();
    writer.end();
  };
}

export function extended(oid: string, value?: Uint8Array): WriteOperation {
  return (writer) => {
    writer.begin(operations.extendedRequest);
    writer.octets(oid, 0x80);
    if (value !== undefined) writer.octets(value, 0x81);
    writer.end();
  };
}

function writeAttribute(writer: BerWriter, name: string, values: readonly AttributeBytes[]): void {
  writer.begin();
  writer.octets(name);
  writer.begin(tags.set);
  for (const value of values) writer.octets(value);
  writer.end();
  writer.end();
}
