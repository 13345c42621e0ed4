import type { ChangeView } from '@lockstep/contract/change.ts';
import { LockstepError } from '../kernel/errors.ts';
import type { Actor } from './actor.ts';
import type { Application } from './application.ts';
import { listChanges } from './changes.ts';
import { getJobRow } from './jobs.ts';

/** What a link lets its bearer read. */
interface Permit {
  readonly tenantId: string;
  readonly jobId: string;
  /** Milliseconds since 1970. */
  readonly until: number;
}

const context = 'download';
const validFor = 10 * 60_000;
const pageSize = 1000;

/**
 * A token that lets its bearer read the report of a job for ten minutes; sealed with the master key, so that every
 * process of the installation takes it.
 * @throws LockstepError NotFound, also for previews.
 */
export async function permitReport(app: Application, actor: Actor, jobId: string): Promise<string> {
  const job = await getJobRow(app, actor, jobId);
  if (job.mode === 'dryRun') throw new LockstepError('NotFound', `there is no job ${JSON.stringify(jobId)}`);
  const permit: Permit = { tenantId: actor.tenantId, jobId, until: app.clock.now().getTime() + validFor };
  return Buffer.from(app.vault.seal(JSON.stringify(permit), context)).toString('base64url');
}

function readPermit(app: Application, token: string): Permit | undefined {
  try {
    const permit = JSON.parse(
      app.vault.open(Buffer.from(token, 'base64url'), context, 'a download'),
    ) as Permit;
    return permit.until > app.clock.now().getTime() ? permit : undefined;
  } catch {
    // Whatever is wrong with it: it is no token of this server.
    return undefined;
  }
}

/** Text that a spreadsheet would take for a formula is marked as text. */
function asText(text: string): string {
  return /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
}

/** A cell (RFC 4180 section 2). */
function cell(text: string | number | null): string {
  const shown = text === null ? '' : asText(String(text));
  return /[",\r\n]/.test(shown) ? `"${shown.replaceAll('"', '""')}"` : shown;
}

const columns: readonly (readonly [string, (change: ChangeView) => string | number | null])[] = [
  ['ordinal', ({ ordinal }) => ordinal],
  ['kind', ({ kind }) => kind],
  ['verb', ({ verb }) => verb],
  ['operation', ({ operation }) => operation],
  ['result', ({ result }) => result],
  ['objectId', ({ objectId }) => objectId],
  ['externalId', ({ externalId }) => externalId],
  ['label', ({ label }) => label],
  ['memberId', ({ memberId }) => memberId],
  ['errorCode', ({ error }) => error?.code ?? null],
  ['errorMessage', ({ error }) => error?.message ?? null],
  ['change', ({ sentence }) => sentence],
];

function line(cells: readonly (string | number | null)[]): string {
  return `${cells.map(cell).join(',')}\r\n`;
}

async function* renderChanges(app: Application, actor: Actor, jobId: string): AsyncIterable<string> {
  yield line(columns.map(([name]) => name));
  let after: string | undefined;
  do {
    const page = await listChanges(app, actor, jobId, {}, { limit: pageSize, after });
    yield page.items.map((change) => line(columns.map(([, valueOf]) => valueOf(change)))).join('');
    after = page.next ?? undefined;
  } while (after !== undefined);
}

/**
 * The report that a token stands for: the job's changes as CSV (RFC 4180), in UTF-8, page by page.
 * @throws LockstepError NotFound for a token that is none, or none any more.
 */
export async function openReport(app: Application, token: string): Promise<AsyncIterable<string>> {
  const permit = readPermit(app, token);
  if (permit === undefined) throw new LockstepError('NotFound', 'the link is not valid, or not any more');
  const actor: Actor = {
    tenantId: permit.tenantId,
    tenantName: '',
    accountId: '',
    accountName: '',
    role: 'reader',
  };
  const { id } = await getJobRow(app, actor, permit.jobId);
  return renderChanges(app, actor, id);
}
