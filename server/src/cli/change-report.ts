import type { JsonAttributeMap, JsonAttributeValue } from '@lockstep/contract/attribute.ts';
import type { ChangeView } from '@lockstep/contract/change.ts';
import { changedAttributes } from '@lockstep/contract/sentence.ts';
import { printable } from './table.ts';

/** A longer value is cut: `--json` has the whole of it. */
const shownCharacters = 80;

function renderValue(value: JsonAttributeValue): string {
  if (typeof value !== 'string') return `${Buffer.from(value.$base64, 'base64').length} bytes`;
  const characters = Array.from(value);
  if (characters.length <= shownCharacters) return JSON.stringify(value);
  return `${JSON.stringify(characters.slice(0, shownCharacters).join(''))}... (${characters.length} characters)`;
}

/** `"a" -> "b"`, of several values what goes and what comes; what stays is left out. */
function renderDifference(before: JsonAttributeMap[string], after: JsonAttributeMap[string]): string {
  const texts = (values: typeof before) => new Map(values.map((value) => [JSON.stringify(value), value]));
  const [had, has] = [texts(before), texts(after)];
  const list = (values: typeof had, others: typeof had) =>
    [...values].filter(([text]) => !others.has(text)).map(([, value]) => renderValue(value));
  const [gone, come] = [list(had, has), list(has, had)];
  if (gone.length === 0 && come.length === 0) return 'in another order';
  if (before.length <= 1 && after.length <= 1) return `${gone[0] ?? '(none)'} -> ${come[0] ?? '(none)'}`;
  return [...gone.map((value) => `- ${value}`), ...come.map((value) => `+ ${value}`)].join(', ');
}

/** The values of a change, a line for each attribute that differs, in the order of the alphabet. */
export function renderValues({ before, after }: Pick<ChangeView, 'before' | 'after'>): string[] {
  return changedAttributes(before, after).map((name) =>
    printable(`    ${name}: ${renderDifference(before?.[name] ?? [], after?.[name] ?? [])}`),
  );
}

/** One change on one line: number and outcome, then the sentence. */
export function renderChange(change: ChangeView): string {
  return printable(`${change.ordinal ?? '-'} ${change.result}: ${change.sentence}`);
}
