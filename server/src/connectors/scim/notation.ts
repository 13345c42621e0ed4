import { LockstepError } from '../../kernel/errors.ts';
import { foldCase } from '../../scim/resource.ts';
import { groupSchemaUrn, userSchemaUrn } from '../../scim/urns.ts';

/** One condition in brackets: a sub-attribute and the value that it equals. */
export interface Condition {
  readonly subAttribute: string;
  readonly value: string | boolean;
}

/**
 * What the name of a flat attribute means in a resource:
 * `userName`, `name.givenName`, `emails.value`, `emails[type eq "work"].value`,
 * `urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department`.
 */
export interface Notation {
  /** The name, as a mapping writes it. */
  readonly text: string;
  /** URN of the extension that holds the attribute; undefined in the core. */
  readonly extension: string | undefined;
  readonly attribute: string;
  /** Conditions that an element must fulfil, all of them; empty: every element. */
  readonly where: readonly Condition[];
  readonly subAttribute: string | undefined;
}

const shape = /^(?:(urn:[^[\]]+):)?([a-z$][\w$-]*)(?:\[(.*)\])?(?:\.([a-z$][\w$-]*))?$/is;
const condition = /^\s*([a-z$][\w$-]*)\s+eq\s+("(?:[^"\\]|\\.)*"|true|false)\s*(?:and\s+|$)/i;
const cores = new Set([userSchemaUrn, groupSchemaUrn].map(foldCase));

const parsed = new Map<string, Notation>();
/** Names come from mappings, so they are few; a bound all the same. */
const rememberedNames = 5000;

/** @throws LockstepError InvalidConfiguration for a name that is none. */
export function parseNotation(text: string): Notation {
  const known = parsed.get(text);
  if (known !== undefined) return known;
  const notation = parse(text);
  if (parsed.size >= rememberedNames) parsed.clear();
  parsed.set(text, notation);
  return notation;
}

function parse(text: string): Notation {
  const [, urn, attribute, brackets, subAttribute] = shape.exec(text) ?? [];
  if (attribute === undefined) throw invalid(text);
  const extension = urn === undefined || cores.has(foldCase(urn)) ? undefined : urn;
  return {
    text,
    extension,
    attribute,
    where: brackets === undefined ? [] : parseConditions(brackets, text),
    subAttribute,
  };
}

function parseConditions(brackets: string, text: string): Condition[] {
  const conditions: Condition[] = [];
  let rest = brackets;
  do {
    const [whole, subAttribute, literal] = condition.exec(rest) ?? [];
    if (whole === undefined || subAttribute === undefined || literal === undefined) throw invalid(text);
    conditions.push({ subAttribute, value: parseLiteral(literal, text) });
    rest = rest.slice(whole.length);
  } while (rest !== '');
  return conditions;
}

function parseLiteral(literal: string, text: string): string | boolean {
  if (!literal.startsWith('"')) return foldCase(literal) === 'true';
  try {
    return JSON.parse(literal) as string;
  } catch {
    throw invalid(text);
  }
}

function invalid(text: string): LockstepError {
  return new LockstepError(
    'InvalidConfiguration',
    `${JSON.stringify(text)} does not name an attribute of SCIM`,
    {
      field: text,
      remedy:
        'Write it as userName, name.givenName, emails[type eq "work"].value or with the URN of its schema and a colon before it.',
    },
  );
}

/** The sub-attribute that a notation reads and writes; `value` where an element of a list is meant and none is named. */
export function subAttributeOf({ subAttribute, where }: Notation): string | undefined {
  return subAttribute ?? (where.length > 0 ? 'value' : undefined);
}

/** Equal for notations of one attribute of a resource, whatever part of it they mean. */
export function attributeKey({ extension, attribute }: Pick<Notation, 'extension' | 'attribute'>): string {
  return foldCase(extension === undefined ? attribute : `${extension}:${attribute}`);
}

/** How a PATCH names the attribute as a whole. */
export function attributePath({ extension, attribute }: Pick<Notation, 'extension' | 'attribute'>): string {
  return extension === undefined ? attribute : `${extension}:${attribute}`;
}
