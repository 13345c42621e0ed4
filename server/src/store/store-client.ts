import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Client, types } from 'pg';
import type pg from 'pg';
import { from as copyFrom, to as copyTo } from 'pg-copy-streams';
import { preparedMark } from './prepared.ts';

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
    return format === 'binary' ? types.getTypeParser(oid, 'binary') : types.getTypeParser(oid, 'text');
  },
};

/** Passed as the only parameter of a COPY statement, it carries the encoded rows past the query builder. */
export class CopySource {
  readonly chunks: AsyncIterable<Buffer> | Iterable<Buffer>;
  /** Rows that the database took. */
  copied = 0;
  constructor(chunks: AsyncIterable<Buffer> | Iterable<Buffer>) {
    this.chunks = chunks;
  }
}

/** The same for the other direction: takes what a `COPY ... TO STDOUT` gives, whole; meant for ranges of a table. */
export class CopySink {
  bytes: Buffer = Buffer.alloc(0);
}

const copyResult = { command: 'COPY', rows: [] } as const;
type CopyResult = typeof copyResult;
type Query = (...args: unknown[]) => unknown;

async function copyOut(plain: Query, text: string, sink: CopySink): Promise<CopyResult> {
  const stream = copyTo(text);
  plain(stream);
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  sink.bytes = Buffer.concat(chunks);
  return copyResult;
}

/** Runs `query` of a pg client, except for COPY statements with a source or a sink of rows. */
function divertCopy(
  client: pg.Client,
  plain: Query,
  copyIn: (text: string, source: CopySource) => Promise<CopyResult>,
): void {
  Object.defineProperty(client, 'query', {
    configurable: true,
    value: (...args: unknown[]) => {
      const marker: unknown = Array.isArray(args[1]) ? args[1][0] : undefined;
      if (marker instanceof CopySource) return copyIn(String(args[0]), marker);
      if (marker instanceof CopySink) return copyOut(plain, String(args[0]), marker);
      return plain(...args);
    },
  });
}

function boundQuery(client: pg.Client): Query {
  const query: Query = client.query.bind(client);
  return query;
}

/** So many statements a connection keeps prepared; the texts of filters are as many as there are filters. */
const mostPrepared = 200;

/** Runs `query` with statements marked by `prepared` under a name each, so that the server plans them but once. */
function nameStatements(plain: Query): Query {
  const names = new Map<string, string>();
  return (...args) => {
    const [text, values] = args;
    if (args.length > 2 || typeof text !== 'string' || !text.startsWith(preparedMark)) return plain(...args);
    const name = names.get(text) ?? `lockstep_${names.size}`;
    if (!names.has(text)) {
      if (names.size >= mostPrepared) return plain(...args);
      names.set(text, name);
    }
    return plain({ name, text, values });
  };
}

/** A connection to a server; rows of a COPY are streamed with back-pressure. */
export class ServerClient extends Client {
  constructor(config?: pg.ClientConfig) {
    super(config);
    const plain = nameStatements(boundQuery(this));
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
export class EmbeddedClient extends Client {
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
