import { LockstepError } from '../../../kernel/errors.ts';

export type Token =
  | { readonly kind: 'string'; readonly text: string; readonly at: number }
  | { readonly kind: 'word'; readonly text: string; readonly at: number }
  | { readonly kind: 'mark'; readonly text: '(' | ')' | ','; readonly at: number };

export function invalidFilter(why: string, at: number): LockstepError {
  return new LockstepError('InvalidFilter', `the filter ${why} (at character ${at + 1})`, {
    field: 'filter',
    remedy: "Write it like: department eq 'Sales' and startswith(userPrincipalName, 'a').",
  });
}

/** A string in single quotes (two of them stand for one), a word, or a mark. */
const pattern = /\s*(?:'((?:[^']|'')*)'|([A-Za-z_][\w./]*|-?\d+(?:\.\d+)?)|([(),]))/y;

/** @throws LockstepError InvalidFilter */
export function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  const end = text.trimEnd().length;
  pattern.lastIndex = 0;
  while (pattern.lastIndex < end) {
    const at = pattern.lastIndex;
    const found = pattern.exec(text);
    if (found === null) throw invalidFilter('cannot be read', at);
    const [, quoted, word, mark] = found;
    if (quoted !== undefined) tokens.push({ kind: 'string', text: quoted.replaceAll("''", "'"), at });
    else if (word !== undefined) tokens.push({ kind: 'word', text: word, at });
    else tokens.push({ kind: 'mark', text: mark as '(', at });
  }
  return tokens;
}
