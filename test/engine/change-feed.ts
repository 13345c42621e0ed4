import type { ObjectKind } from '../../contract/src/vocabulary.ts';
import type { Endpoint, ExternalObject, RawEntry, ReadRequest } from '../../server/src/sync/connector.ts';
import type { MemorySystem } from './memory-system.ts';

interface Known {
  readonly kind: ObjectKind;
  readonly fingerprint: string;
  readonly members: readonly string[];
}

/** What a system that tells of changes was asked, read by read: from where, or null for everything. */
export type Asked = (number | null)[];

async function readWhole(inner: Endpoint, request: ReadRequest): Promise<RawEntry[]> {
  const entries: RawEntry[] = [];
  for await (const batch of inner.read(request)) entries.push(...batch);
  return entries;
}

/** @param history the members that the group had, round by round, the last one now */
function withMemberChanges(entry: RawEntry, history: readonly (readonly string[])[]): RawEntry {
  return {
    ...entry,
    decode() {
      const { members = [], ...object }: ExternalObject = entry.decode();
      if (entry.kind !== 'group') return object;
      const added = members.filter((member) => !history.every((round) => round.includes(member)));
      const removed = [...new Set(history.flat())].filter((member) => !members.includes(member));
      return { ...object, memberChanges: { added, removed } };
    },
  };
}

/** Lets a system tell what changed since any earlier read. */
export function feedChanges(system: MemorySystem): Asked {
  const asked: Asked = [];
  const rounds: Map<string, Known>[] = [];
  const truthful = system.endpoint.bind(system);
  system.endpoint = () => {
    const inner = truthful();
    return {
      ...inner,
      capabilities: { ...inner.capabilities, changes: true },
      async *read(request) {
        const since = typeof request.since === 'number' ? request.since : null;
        asked.push(since);
        const entries = await readWhole(inner, request);
        const now = new Map(
          entries.map((entry) => [
            entry.externalId,
            {
              kind: entry.kind,
              fingerprint: entry.fingerprint,
              members: system.broken.has(entry.externalId) ? [] : (entry.decode().members ?? []),
            },
          ]),
        );
        const position = rounds.push(now) - 1;
        if (since === null) {
          yield entries;
          return { complete: true, warnings: [], position };
        }
        // What changed and changed back has changed, too.
        const history = rounds.slice(since);
        const again = new Set((request.again ?? []).map(({ externalId }) => externalId));
        const changed = entries.filter(
          ({ externalId }) =>
            !again.has(externalId) &&
            new Set(history.map((round) => round.get(externalId)?.fingerprint)).size > 1,
        );
        yield changed.map((entry) =>
          withMemberChanges(
            entry,
            history.map((round) => round.get(entry.externalId)?.members ?? []),
          ),
        );
        yield entries.filter(({ externalId }) => again.has(externalId));
        const remembered = rounds.flatMap((round) => [...round]).filter(([id]) => again.has(id));
        const known = new Map([...history.flatMap((round) => [...round]), ...remembered]);
        yield [...known].flatMap(([externalId, { kind }]) =>
          now.has(externalId)
            ? []
            : [
                {
                  kind,
                  scope: 0,
                  externalId,
                  fingerprint: '0'.repeat(32),
                  gone: true,
                  decode: neverDecoded,
                },
              ],
        );
        return { complete: true, warnings: [], changesOnly: true, position };
      },
    };
  };
  return asked;
}

function neverDecoded(): never {
  throw new Error('what is gone was decoded');
}
