import { LockstepError } from '../../kernel/errors.ts';
import type { Replica } from '../../sync/replica.ts';
import { type Cursor, firstCursor, nextRound, parseCursor } from './cursor.ts';
import { type DeltaPage, parseDeltaPage } from './delta-page.ts';
import type { GraphClient } from './graph-client.ts';
import { demandsResync, faultError } from './graph-error.ts';
import { covers, type EntraKind, type Selection, union } from './select.ts';

export interface PullOptions {
  readonly graph: GraphClient;
  readonly replica: Replica;
  /** Cloud and tenant. */
  readonly tenant: string;
  /** What is wanted on top of what the copy has. */
  readonly select: Selection;
  /** Everything shall be read again. */
  readonly afresh?: boolean | undefined;
  readonly signal: AbortSignal;
}

const collections: Readonly<Record<EntraKind, string>> = { user: '/users', group: '/groups' };

/** So many pages in a row without anything new: it is not believed that they come to an end. */
const mostIdlePages = 100;

/** Sees when pages do not come to an end: the same link again, or page after page of what was there before. */
class EndlessPages {
  readonly #links = new Set<string>();
  readonly #seen = new Set<string>();
  #idle = 0;

  /** @throws LockstepError IncompleteRead */
  check(link: string | undefined, page: DeltaPage): void {
    const before = this.#seen.size;
    for (const signature of page.signatures) this.#seen.add(signature);
    this.#idle = this.#seen.size > before ? 0 : this.#idle + 1;
    if (link !== undefined) this.#links.add(link);
    const repeated = page.next !== undefined && this.#links.has(page.next);
    if (!repeated && this.#idle <= mostIdlePages) return;
    throw new LockstepError(
      'IncompleteRead',
      repeated
        ? 'Microsoft Graph sent a next link that leads back to a page that was read already'
        : `Microsoft Graph sent ${mostIdlePages} pages in a row without anything new`,
      { remedy: 'Run the sync again later: it begins anew.' },
    );
  }
}

function firstPath({ select }: Cursor, kind: EntraKind): string {
  return `${collections[kind]}/delta?$select=${select[kind].join(',')}`;
}

/** The cursor behind a page. */
function advance(cursor: Cursor, kind: EntraKind, { next, delta }: DeltaPage): Cursor {
  const links = { ...cursor.links, [kind]: next ?? delta };
  if (next !== undefined) return { ...cursor, links };
  return { ...cursor, links, at: kind === 'user' ? 'group' : null };
}

/**
 * A place that must not be asked is not kept: the next pull asks for this page again.
 * @throws LockstepError ProtocolError
 */
function checkOrigin(link: string, { baseUrl }: GraphClient): void {
  const origin = URL.canParse(link) ? new URL(link).origin : 'what is no address';
  if (origin === new URL(baseUrl).origin) return;
  throw new LockstepError(
    'ProtocolError',
    `Microsoft Graph sent a link to ${origin} instead of its own address; nothing was sent there`,
    { remedy: 'Check graphUrl, and that no proxy changes the answers.' },
  );
}

function roundOf(before: Cursor, after: Cursor): 'begin' | 'end' | undefined {
  if (!before.wholeRound) return undefined;
  if (before.at === 'user' && before.links.user === undefined) return 'begin';
  return after.at === null ? 'end' : undefined;
}

/** Reads one page and keeps it, with the cursor behind it. Null: the tokens are no longer good. */
async function pullPage(options: PullOptions, cursor: Cursor, pages: EndlessPages): Promise<Cursor | null> {
  const { graph, replica, signal } = options;
  const kind = cursor.at ?? 'user';
  const link = cursor.links[kind];
  const answer = await graph.find(link ?? firstPath(cursor, kind), signal);
  if ('fault' in answer) {
    if (link !== undefined && demandsResync(answer.fault)) return null;
    throw faultError(answer.fault, `reading ${kind}s`);
  }
  const page = parseDeltaPage(kind, answer.body);
  pages.check(link, page);
  checkOrigin(page.next ?? page.delta ?? '', graph);
  const after = advance(cursor, kind, page);
  await replica.write(page.changes, { cursor: after, round: roundOf(cursor, after) });
  return after;
}

/** Where to go on: with what changed, or with a whole round when nothing was read yet or less than is wanted. */
async function begin({ replica, tenant, select, afresh }: PullOptions): Promise<Cursor> {
  const kept = parseCursor((await replica.state()).cursor, tenant);
  if (kept === null) return firstCursor(tenant, select);
  // A round that was cut off is gone on with.
  const begunAlready = kept.wholeRound && kept.at !== null;
  if (!covers(kept.select, select) || (afresh === true && !begunAlready))
    return firstCursor(tenant, union(kept.select, select));
  return nextRound(kept);
}

async function pullPages(options: PullOptions): Promise<void> {
  let cursor = await begin(options);
  let pages = new EndlessPages();
  let begunAnew = false;
  while (cursor.at !== null) {
    // oxlint-disable-next-line no-await-in-loop -- each page names the next one
    const after = await pullPage(options, cursor, pages);
    if (after !== null) {
      cursor = after;
      continue;
    }
    if (begunAnew)
      throw new LockstepError('IncompleteRead', 'Microsoft Graph asks again and again to begin anew');
    begunAnew = true;
    cursor = firstCursor(options.tenant, union(cursor.select, options.select));
    pages = new EndlessPages();
  }
}

/**
 * Brings the copy of a tenant up to date: users, then groups with their members, page by page; each page is kept with
 * the place behind it, so that a pull that is cut off goes on there. When Graph no longer knows the place, everything is
 * read again, and only at its end is gone what none of the pages had.
 * @throws LockstepError IncompleteRead when pages do not come to an end; the next pull then begins anew.
 */
export async function pull(options: PullOptions): Promise<void> {
  await options.replica.exclusively(async () => {
    try {
      await pullPages(options);
    } catch (error) {
      if (error instanceof LockstepError && error.code === 'IncompleteRead')
        await options.replica.write([], { cursor: null });
      throw error;
    }
  }, options.signal);
}
