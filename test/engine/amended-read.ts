import { createHash } from 'node:crypto';
import type { ExternalObject, RawEntry } from '../../server/src/sync/connector.ts';
import type { MemorySystem } from './memory-system.ts';

/** Lets a system show something else than its tree: each entry becomes those that are returned for it. */
export function amendRead(system: MemorySystem, amend: (entry: RawEntry) => readonly RawEntry[]): void {
  const truthful = system.endpoint.bind(system);
  system.endpoint = () => {
    const inner = truthful();
    return {
      ...inner,
      async *read(request) {
        const reading = inner.read(request);
        for (;;) {
          const step = await reading.next();
          if (step.done) return step.value;
          yield step.value.flatMap(amend);
        }
      },
    };
  };
}

/** The same entry with other contents, and so with other bytes. */
export function withContents(entry: RawEntry, contents: Partial<ExternalObject>): RawEntry {
  const object = { ...entry.decode(), ...contents };
  return {
    ...entry,
    fingerprint: createHash('md5').update(JSON.stringify(object)).digest('hex'),
    decode: () => object,
  };
}
