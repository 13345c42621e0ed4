import type { Page } from '@lockstep/contract/page.ts';
import { maximumPageSize } from '@lockstep/contract/page.ts';
import { LockstepError } from '../kernel/errors.ts';
import { note } from './output.ts';

export interface PagingOptions {
  readonly limit: string;
  readonly after?: string | undefined;
}

/** `all` or a whole number from 1 to 9,999,999,999. */
function parseLimit(text: string): number {
  if (text === 'all') return Number.POSITIVE_INFINITY;
  if (/^[1-9]\d{0,9}$/.test(text)) return Number(text);
  throw new LockstepError('InvalidRequest', `"${text}" is no limit.`, {
    field: '--limit',
    remedy: 'Give a whole number from 1 to 9999999999, or "all".',
  });
}

/** A key is what a page before said as its `next`. */
function refuseEmptyKey(after: string | undefined): void {
  if (after !== '') return;
  throw new LockstepError('InvalidRequest', 'The key to go on after is empty.', {
    field: '--after',
    remedy: 'Give what the page before named, or leave --after out to begin at the start.',
  });
}

/** Collects as many items as `--limit` says, page by page. `next` is where `--after` goes on, null at the end. */
export async function collectPages<Item>(
  options: PagingOptions,
  load: (query: { limit: string; after?: string }) => Promise<Page<Item>>,
): Promise<Page<Item>> {
  const limit = parseLimit(options.limit);
  refuseEmptyKey(options.after);
  const items: Item[] = [];
  let after = options.after ?? null;
  do {
    const size = Math.min(maximumPageSize, limit - items.length);
    const page: Page<Item> = await load({ limit: String(size), ...(after === null ? {} : { after }) });
    for (const item of page.items) items.push(item);
    after = page.next;
  } while (after !== null && items.length < limit);
  return { items, next: after };
}

/** Says how to go on where a list does. */
export function noteMore({ next }: Pick<Page<unknown>, 'next'>): void {
  if (next !== null) note(`There are more: --limit all, or --after ${next}`);
}
