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

function withMemberChanges(entry: RawEntry, before: readonly string[]): RawEntry {
  return {
    ...entry,
    decode() {
      const { members = [], ...object }: ExternalObject = entry.decode();
      if (entry.kind !== 'group') return object;
      const added = members.filter((member) => !before.includes(member));
      return {
        ...object,
        memberChanges: { added, removed: before.filter((member) => !members.includes(member)) },
      };
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
              fingerprint: Buffer.from(entry.fingerprint).toString('hex'),
              members: system.broken.has(entry.externalId) ? [] : (entry.decode().members ?? []),
            },
          ]),
        );
        const position = rounds.push(now) - 1;
        if (since === null) {
          yield entries;
          return { complete: true, warnings: [], position };
        }
        const before = rounds[since] ?? new Map<string, Known>();
        const changed = entries.filter(
          ({ externalId }) => before.get(externalId)?.fingerprint !== now.get(externalId)?.fingerprint,
        );
        yield changed.map((entry) => withMemberChanges(entry, before.get(entry.externalId)?.members ?? []));
        yield [...before].flatMap(([externalId, { kind }]) =>
          now.has(externalId)
            ? []
            : [
                {
                  kind,
                  scope: 0,
                  externalId,
                  fingerprint: new Uint8Array(16),
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
