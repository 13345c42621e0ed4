import { LockstepError } from '../../kernel/errors.ts';

export type Token =
  | { readonly kind: 'word'; readonly text: string; readonly at: number }
  | { readonly kind: 'string'; readonly value: string; readonly at: number }
  | { readonly kind: '(' | ')' | '[' | ']' | 'end'; readonly at: number };

/** @returns an error that names the place, counted from 1. */
export function filterFault(
  code: 'InvalidFilter' | 'InvalidPath',
  message: string,
  at: number,
): LockstepError {
  return new LockstepError(code, `${message} (at character ${at + 1})`, {
    position: { line: 1, column: at + 1 },
  });
}

const space = /\s*/y;
const word = /[^\s()[\]"]+/y;
// Unrolled, so that a string without an end is given up after one pass.
const quoted = /"[^"\\]*(?:\\[^][^"\\]*)*"/y;

/** Splits a filter or path (RFC 7644 section 3.4.2.2) in one pass. The last token is `end`. */
export function tokenize(text: string, code: 'InvalidFilter' | 'InvalidPath'): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  const match = (pattern: RegExp): string => {
    pattern.lastIndex = at;
    return pattern.exec(text)?.[0] ?? '';
  };
  for (;;) {
    at += match(space).length;
    const next = text[at];
    if (next === undefined) break;
    if (next === '(' || next === ')' || next === '[' || next === ']') {
      tokens.push({ kind: next, at });
      at += 1;
    } else if (next === '"') {
      const literal = match(quoted);
      if (literal === '') throw filterFault(code, 'A string is not closed', at);
      tokens.push({ kind: 'string', value: unquote(literal, code, at), at });
      at += literal.length;
    } else {
      const found = match(word);
      tokens.push({ kind: 'word', text: found, at });
      at += found.length;
    }
  }
  tokens.push({ kind: 'end', at });
  return tokens;
}

function unquote(literal: string, code: 'InvalidFilter' | 'InvalidPath', at: number): string {
  try {
    return String(JSON.parse(literal));
  } catch {
    throw filterFault(code, 'A string is not valid JSON', at);
  }
}
