import { malformed } from '../graph-error.ts';

/** A piece of a $filter expression (OData 4.01 part 2, section 5.1.1). */
export type FilterToken =
  | { readonly kind: 'name' | 'punctuation'; readonly text: string }
  | { readonly kind: 'value'; readonly value: string | number | boolean | null };

const pattern =
  /\s+|'((?:[^']|'')*)'|([0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})|(\d{4}-\d\d-\d\d(?:T[\d:.]+Z?)?)|(-?\d+(?:\.\d+)?)(?![\w-])|([(),:])|([$A-Za-z_][\w$/.-]*)/y;

/** @throws GraphError 400 at the first character that fits nothing. */
export function tokenize(text: string): FilterToken[] {
  const tokens: FilterToken[] = [];
  pattern.lastIndex = 0;
  while (pattern.lastIndex < text.length) {
    const position = pattern.lastIndex;
    const match = pattern.exec(text);
    if (!match) throw malformed(`Syntax error at position ${position} in '${text}'.`);
    const token = tokenOf(match);
    if (token) tokens.push(token);
  }
  return tokens;
}

function tokenOf(match: RegExpExecArray): FilterToken | undefined {
  const [, quoted, guid, date, number, punctuation, name] = match;
  if (quoted !== undefined) return { kind: 'value', value: quoted.replaceAll("''", "'") };
  if (guid !== undefined) return { kind: 'value', value: guid };
  if (date !== undefined) return { kind: 'value', value: date };
  if (number !== undefined) return { kind: 'value', value: Number(number) };
  if (punctuation !== undefined) return { kind: 'punctuation', text: punctuation };
  if (name === undefined) return undefined;
  if (name === 'null') return { kind: 'value', value: null };
  if (name === 'true' || name === 'false') return { kind: 'value', value: name === 'true' };
  return { kind: 'name', text: name };
}
