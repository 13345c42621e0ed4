import { LockstepError } from '../../kernel/errors.ts';
import type { TargetChange } from '../../sync/connector.ts';
import { applyChange } from './changes.ts';
import type { Connect } from './client.ts';
import { joinDn } from './location.ts';
import type { Writing } from './writing.ts';

/** Below what servers take in one request: 389 Directory Server 2 MiB, OpenLDAP 4 MiB, where nobody told them otherwise. */
const largeBytes = 1024 * 1024;

/** Large changes touch each other, so that they go one at a time: no name is like this. */
export const largeInTurn = '\0large';

/** Whether a server may refuse the request for its length, which it does by closing the connection. */
export function isLarge(change: TargetChange): boolean {
  return bytesOf(change) >= largeBytes;
}

function bytesOf({ set }: TargetChange): number {
  let bytes = 0;
  for (const values of Object.values(set)) for (const value of values) bytes += Buffer.byteLength(value);
  return bytes;
}

/**
 * Carries out a large change on a connection of its own, so that no other change is lost with it. Where the server
 * closes two in a row while others live, it is the request that it does not take.
 * @throws LockstepError TargetRejected then; ConnectionFailed when the server cannot be reached
 */
export async function applyLarge(
  writing: Writing,
  change: TargetChange,
  connect: Connect,
): ReturnType<typeof applyChange> {
  let lost: LockstepError | undefined;
  for (const recovering of [writing.recovering, true]) {
    await using client = await connect(writing.signal);
    try {
      return await applyChange({ ...writing, client, recovering }, change);
    } catch (error) {
      if (client.alive || !(error instanceof LockstepError)) throw error;
      lost = error;
    }
  }
  throw refusedLength(change, lost);
}

function refusedLength(change: TargetChange, lost: LockstepError | undefined): LockstepError {
  const { location, name, parentLocation } = change;
  const dn = location ?? joinDn(name ?? '', parentLocation ?? '');
  const size = `${(bytesOf(change) / 1e6).toFixed(1)} MB`;
  return new LockstepError(
    'TargetRejected',
    `${change.verb} of "${dn}": the server does not take a request of ${size} (${lost?.message ?? 'lost'}).`,
    {
      remedy:
        'Raise its limit (sockbuf_max_incoming_auth of OpenLDAP, nsslapd-maxbersize of 389 Directory Server), or leave the large value out by a mapping.',
    },
  );
}
