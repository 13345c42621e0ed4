import type { EntraConnection } from '@lockstep/contract/connection-configuration.ts';
import type { ReplicaChange } from '../../sync/replica.ts';
import type { BatchAnswer, BatchItem, BatchSender } from './batch.ts';
import type { GraphClient } from './graph-client.ts';
import { isNotThere } from './graph-error.ts';
import type { MadeEarlier } from './made-earlier.ts';
import type { Nicknames } from './nicknames.ts';

/** What the changes of one batch are written with. */
export interface Writing {
  readonly settings: EntraConnection;
  readonly graph: GraphClient;
  readonly sender: BatchSender;
  readonly nicknames: Nicknames;
  /** An earlier attempt at this batch may have been cut off. */
  readonly recovering: boolean;
  /** What earlier attempts of the job made. */
  readonly madeEarlier: MadeEarlier;
  /** Ids that this session made, or took over after such an attempt. */
  readonly made: Set<string>;
  readonly signal: AbortSignal;
  /** Tells the copy what has become true. */
  readonly note: (...changes: readonly ReplicaChange[]) => void;
}

/** Seconds before each further try of what was not found: new objects take a while to be known everywhere. */
const patience = [1, 2, 4, 8, 15, 30];
/** An object that was there already may just as well be gone. */
const shortPatience = [1];

export interface Addressed extends BatchItem {
  /** Ids of the objects that must be known for it. */
  readonly needs: readonly string[];
}

/**
 * Sends items; those that Graph does not know the objects of are sent again, for long where the objects are new.
 * @throws LockstepError ConnectionFailed, Cancelled
 */
export async function sendPatiently(writing: Writing, items: readonly Addressed[]): Promise<BatchAnswer[]> {
  const answers = await writing.sender.send(items, writing.signal);
  for (let round = 0; round < patience.length; round += 1) {
    const open = items.flatMap((item, index) =>
      isWorthWaiting(writing, item, answers[index], round) ? [index] : [],
    );
    if (open.length === 0) break;
    // oxlint-disable-next-line no-await-in-loop -- tries follow each other
    await writing.sender.pause(patience[round] as number, writing.signal);
    // oxlint-disable-next-line no-await-in-loop -- tries follow each other
    const later = await writing.sender.send(
      open.map((index) => items[index] as Addressed),
      writing.signal,
    );
    open.forEach((index, position) => (answers[index] = later[position] as BatchAnswer));
  }
  return answers;
}

function isWorthWaiting(
  { made }: Writing,
  { needs }: Addressed,
  answer: BatchAnswer | undefined,
  round: number,
): boolean {
  if (answer === undefined || answer.ok || !isNotThere(answer.fault)) return false;
  const isNew = needs.some((id) => made.has(id));
  return round < (isNew ? patience : shortPatience).length;
}
