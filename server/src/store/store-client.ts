import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';

const int8 = 20;
const int8Array = 1016;

function parseInt8(text: string): number {
  return Number(text);
}

function parseInt8Array(text: string): (number | null)[] {
  return text === '{}'
    ? []
    : text
        .slice(1, -1)
        .split(',')
        .map((item) => (item === 'NULL' ? null : Number(item)));
}

/** Values are parsed the same on both engines; counts and serials stay far below 2^53. */
export const typeParsers: pg.CustomTypesConfig = {
  getTypeParser(oid: number, format?: 'text' | 'binary') {
    if (oid === int8) return parseInt8;
    if (oid === int8Array) return parseInt8Array;
    return format === 'binary' ? pg.types.getTypeParser(oid, 'binary') : pg.types.getTypeParser(oid, 'text');
  },
};

/** Passed as the only parameter of a COPY statement, it carries the encoded rows past the query builder. */
export class CopySource {
  readonly chunks: AsyncIterable<Buffer>;
  /** Rows that the database took. */
  copied = 0;
  constructor(chunks: AsyncIterable<Buffer>) {
    this.chunks = chunks;
  }
}

const copyResult = { command: 'COPY', rows: [] } as const;
type CopyResult = typeof copyResult;

function copySourceOf(values: unknown): CopySource | undefined {
  return Array.isArray(values) && values[0] instanceof CopySource ? values[0] : undefined;
}

/** Runs `query` of a pg client, except for COPY statements with a `CopySource`, which go to `copy`. */
function divertCopy(
  client: pg.Client,
  plain: (...args: unknown[]) => unknown,
  copy: (text: string, source: CopySource) => Promise<CopyResult>,
): void {
  Object.defineProperty(client, 'query', {
    configurable: true,
    value: (...args: unknown[]) => {
      const source = copySourceOf(args[1]);
      return source === undefined ? plain(...args) : copy(String(args[0]), source);
    },
  });
}

function boundQuery(client: pg.Client): (...args: unknown[]) => unknown {
  return client.query.bind(client) as unknown as (...args: unknown[]) => unknown;
}

/** A connection to a server; rows of a COPY are streamed with back-pressure. */
export class ServerClient extends pg.Client {
  constructor(config?: pg.ClientConfig) {
    super(config);
    const plain = boundQuery(this);
    divertCopy(this, plain, async (text, source) => {
      const sink = copyFrom(text);
      plain(sink);
      await pipeline(Readable.from(source.chunks, { objectMode: true, highWaterMark: 2 }), sink);
      source.copied = sink.rowCount ?? 0;
      return copyResult;
    });
  }
}

/** A connection over the bridge to the worker thread that can lay a chunk of rows before the next statement. */
export interface ChunkCarrier {
  carryChunk(chunk: Buffer): void;
}

/**
 * The connection to the embedded engine. A backend in one thread cannot wait for rows while it runs a COPY, so every
 * chunk is a COPY of its own from a device; the surrounding transaction makes them one.
 */
export class EmbeddedClient extends pg.Client {
  constructor(config: pg.ClientConfig & { carrier: ChunkCarrier }) {
    super(config);
    const plain = boundQuery(this);
    divertCopy(this, plain, async (text, source) => {
      const statement = text.replace(/ from stdin$/i, " from '/dev/lockstep-rows'");
      for await (const chunk of source.chunks) {
        config.carrier.carryChunk(chunk);
        const result = (await plain(statement)) as pg.QueryResult;
        source.copied += result.rowCount ?? 0;
      }
      return copyResult;
    });
  }
}
