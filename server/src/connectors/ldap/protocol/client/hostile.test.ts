import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { BerReader, tags } from '../ber/reader.ts';
import { BerWriter } from '../ber/writer.ts';
import { pagedResultsOid } from '../controls/pagedResults.ts';
import { encodeMessage } from '../messages/requests.ts';
import type { LockstepError } from '../../../../kernel/errors.ts';
import { connectLdap, type LdapClient, type LdapClientOptions } from './client.ts';

/** A server that does as a test tells it, on each message that arrives. */
let server: Server;
let url: string;
let onMessage: (id: number, tag: number, socket: Socket) => void;
const sockets = new Set<Socket>();

beforeEach(async () => {
  server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      const reader = new BerReader(chunk);
      while (reader.peek() === tags.sequence) {
        const message = reader.inner(tags.sequence);
        onMessage(message.integer(), message.next(), socket);
      }
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `ldap://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  sockets.clear();
  server.close();
  await once(server, 'close');
});

function connect(options: Partial<LdapClientOptions> = {}): Promise<LdapClient> {
  return connectLdap({ url, timeoutMs: 2000, ...options });
}

function hex(text: string): Buffer {
  return Buffer.from(text, 'hex');
}

function result(id: number, tag: number, code = 0, cookie?: Buffer, said = ''): Buffer {
  const value = new BerWriter();
  value.begin();
  value.integer(0);
  value.octets(cookie ?? '');
  value.end();
  const controls = cookie ? [{ oid: pagedResultsOid, value: value.take() }] : [];
  return encodeMessage(
    new BerWriter(),
    id,
    (writer) => {
      writer.begin(tag);
      writer.integer(code, tags.enumerated);
      writer.octets('');
      writer.octets(said);
      writer.end();
    },
    controls,
  );
}

function entry(id: number, dn: string, size = 0): Buffer {
  return encodeMessage(new BerWriter(), id, (writer) => {
    writer.begin(0x64);
    writer.octets(dn);
    writer.begin();
    writer.begin();
    writer.octets('description');
    writer.begin(tags.set);
    writer.octets('x'.repeat(size));
    writer.end();
    writer.end();
    writer.end();
    writer.end();
  });
}

const all = { base: '', scope: 'sub', filter: '(objectClass=*)' } as const;

/** Reads a search to its end and gives the code of the error that ends it, or the number of items. */
async function drain(client: LdapClient, request = {}): Promise<string | number> {
  let items = 0;
  try {
    for await (const batch of client.search({ ...all, ...request }).batches()) items += batch.length;
    return items;
  } catch (error) {
    return (error as { code: string }).code;
  }
}

/** The error that ends a search. */
async function failure(client: LdapClient, request = {}): Promise<LockstepError> {
  try {
    for await (const batch of client.search({ ...all, ...request }).batches()) void batch;
  } catch (error) {
    return error as LockstepError;
  }
  throw new Error('the search came to an end');
}

describe('a server that breaks the protocol', () => {
  const violations: Record<string, [string, string]> = {
    'announces 2 GiB': ['3084ffffffff', 'ProtocolError'],
    'announces more than the limit': ['308405000000', 'LimitExceeded'],
    'uses the indefinite form': ['30800201', 'ProtocolError'],
    'speaks HTTP': ['485454502f312e31', 'ProtocolError'],
    'answers a request that was never sent': ['300c02010965070a010004000400', 'ProtocolError'],
    'answers with a negative id': ['300c0201ff65070a010004000400', 'ProtocolError'],
    'answers with an operation of another kind': ['300c02010161070a010004000400', 'ProtocolError'],
    'sends an empty message': ['3000', 'ProtocolError'],
    'sends a message without operation': ['3003020101', 'ProtocolError'],
    'sends an operation that reaches beyond its message': ['300c02010165770a010004000400', 'ProtocolError'],
    'sends a result that is cut off': ['300702010165020a01', 'ProtocolError'],
    'sends nonsense in place of the code': [
      '300c0201016507020100 04000400'.replace(' ', ''),
      'ProtocolError',
    ],
    'says that it disconnects': [
      `3024020100781f0a0134040004008a16${Buffer.from('1.3.6.1.4.1.1466.20036').toString('hex')}`,
      'ConnectionFailed',
    ],
  };

  test.each(Object.entries(violations))('%s', async (_name, [bytes, code]) => {
    onMessage = (_id, _tag, socket) => socket.write(hex(bytes));
    const client = await connect();
    expect(await drain(client)).toBe(code);
    expect(client.alive).toBe(false);
  });

  test('an unknown notification and a late answer are passed over', async () => {
    onMessage = (id, tag, socket) => {
      if (tag !== 0x63) return;
      const unknown = encodeMessage(new BerWriter(), 0, (writer) => {
        writer.begin(0x78);
        writer.integer(0, tags.enumerated);
        writer.octets('');
        writer.octets('');
        writer.octets('1.2.3', 0x8a);
        writer.end();
      });
      if (id > 1)
        socket.write(Buffer.concat([unknown, result(id - 1, 0x65), entry(id, 'cn=a'), result(id, 0x65)]));
    };
    await using client = await connect();
    const abandoned = client.search(all);
    const iterator = abandoned.batches();
    const first = iterator.next();
    const controller = new AbortController();
    const second = drain(client, { signal: controller.signal });
    expect(await second).toBe(1);
    await iterator.return();
    expect(await first).toMatchObject({ done: true });
  });

  test('pages without entries do not go on for ever', async () => {
    onMessage = (id, tag, socket) => {
      if (tag === 0x63) socket.write(result(id, 0x65, 0, Buffer.from('next')));
    };
    await using client = await connect();
    expect(await drain(client, { pageSize: 10 })).toBe('ProtocolError');
  });

  test('the same page over and over is no directory, whatever the cookie', async () => {
    let page = 0;
    onMessage = (id, tag, socket) => {
      if (tag !== 0x63) return;
      page += 1;
      const entries = Array.from({ length: 10 }, (_, index) => entry(id, `cn=${index}`, page));
      socket.write(Buffer.concat([...entries, result(id, 0x65, 0, Buffer.from(`cookie ${page}`))]));
    };
    const client = await connect();
    expect(await failure(client, { pageSize: 10 })).toMatchObject({
      code: 'ProtocolError',
      message: expect.stringContaining('the same entries again and again'),
      remedy: expect.stringContaining('Look into the server'),
    });
    expect(client.alive).toBe(false);
  });

  test('a large directory that begins anew is noticed too', async () => {
    const size = 70_000;
    let sent = 0;
    onMessage = (id, tag, socket) => {
      if (tag !== 0x63) return;
      const entries = Array.from({ length: 5000 }, () => entry(id, `cn=${sent++ % size},dc=example`));
      socket.write(Buffer.concat([...entries, result(id, 0x65, 0, Buffer.from('next'))]));
    };
    const client = await connect();
    const error = await failure(client, { pageSize: 5000 });
    expect(error.message).toContain('the same entries again and again');
    expect(sent).toBeGreaterThan(size);
    expect(sent).toBeLessThan(2 * size);
  });

  test('a later page without a cookie, even an empty one, casts doubt on the end', async () => {
    let page = 0;
    onMessage = (id, tag, socket) => {
      if (tag !== 0x63) return;
      page += 1;
      const cookie = page < 3 ? Buffer.from('next') : undefined;
      socket.write(Buffer.concat([entry(id, `cn=${page}`), result(id, 0x65, 0, cookie)]));
    };
    await using client = await connect();
    const found: string[] = [];
    for await (const item of client.search({ ...all, pageSize: 10 })) {
      found.push(item.type === 'doubt' ? item.reason : item.type);
    }
    expect(found).toEqual(['entry', 'entry', 'entry', expect.stringContaining('page 3 of the search')]);
  });

  test('one cookie for all pages is the way of some servers', async () => {
    let page = 0;
    onMessage = (id, tag, socket) => {
      if (tag !== 0x63) return;
      page += 1;
      const entries = Array.from({ length: 10 }, (_, index) => entry(id, `cn=${page}-${index}`));
      const cookie = Buffer.from(page < 30 ? '0' : '');
      socket.write(Buffer.concat([...entries, result(id, 0x65, 0, cookie)]));
    };
    await using client = await connect();
    expect(await drain(client, { pageSize: 10 })).toBe(300);
  });

  test('entries without end are refused at the limit, in one page and in many, references too', async () => {
    let next = 0;
    let make = (id: number): Buffer => entry(id, `cn=${next++}`);
    let cookie: Buffer | undefined;
    onMessage = (id, tag, socket) => {
      if (tag !== 0x63) return;
      const pump = (): void => {
        if (socket.destroyed) return;
        const block = Array.from({ length: 100 }, () => make(id));
        if (cookie) socket.write(Buffer.concat([...block, result(id, 0x65, 0, cookie)]));
        else socket.write(Buffer.concat(block), () => setImmediate(pump));
      };
      pump();
    };
    const refused = {
      code: 'LimitExceeded',
      field: 'maxEntries',
      remedy: expect.stringContaining('Raise maxEntries'),
    };
    expect(await failure(await connect({ maxEntries: 1000 }))).toMatchObject(refused);
    cookie = Buffer.from('next');
    expect(await failure(await connect({ maxEntries: 1000 }), { pageSize: 100 })).toMatchObject(refused);
    cookie = undefined;
    make = (id) =>
      encodeMessage(new BerWriter(), id, (writer) => {
        writer.begin(0x73);
        writer.octets(`ldap://elsewhere/dc=${next++}`);
        writer.end();
      });
    expect(await failure(await connect({ maxEntries: 1000 }))).toMatchObject(refused);
  });

  test('it closes in the middle of a message', async () => {
    onMessage = (id, _tag, socket) => socket.end(entry(id, 'cn=a').subarray(0, 10));
    const client = await connect();
    expect(await drain(client)).toBe('ConnectionFailed');
    await expect(client.whoAmI()).rejects.toMatchObject({ code: 'ConnectionFailed' });
  });

  test('it injects data behind its answer to StartTLS', async () => {
    onMessage = (id, _tag, socket) => socket.write(Buffer.concat([result(id, 0x78), hex('3084000000')]));
    await expect(connect({ startTls: true })).rejects.toMatchObject({ code: 'ProtocolError' });
  });
});

describe('a server that is slow', () => {
  test('silence ends in an error, and the connection with it', async () => {
    onMessage = () => undefined;
    const client = await connect({ timeoutMs: 150 });
    const change = client.modify('cn=a', []);
    expect(await drain(client)).toBe('ConnectionFailed');
    await expect(change).rejects.toMatchObject({ message: expect.stringContaining('within 150 ms') });
    expect(client.alive).toBe(false);
  });

  test('silence about one request abandons that one', async () => {
    const abandoned: number[] = [];
    onMessage = (id, tag, socket) => {
      if (tag === 0x50) abandoned.push(id);
      if (tag === 0x77) socket.write(result(id, 0x78));
    };
    await using client = await connect({ timeoutMs: 300 });
    const slow = drain(client);
    const chatter = async (): Promise<void> => {
      while (abandoned.length === 0) await client.whoAmI();
    };
    expect(await Promise.all([slow, chatter()])).toEqual(['ConnectionFailed', undefined]);
    expect(client.alive).toBe(true);
    expect(abandoned).toHaveLength(1);
  });

  test('a byte at a time is progress of nothing: the time limit holds', async () => {
    let timer: NodeJS.Timeout | undefined;
    onMessage = (_id, _tag, socket) => {
      socket.write(hex('308400100000'));
      timer ??= setInterval(() => socket.write('x'), 5);
    };
    const client = await connect({ timeoutMs: 200 });
    expect(await drain(client)).toBe('ConnectionFailed');
    clearInterval(timer);
    await client.unbind();
  });

  test('one that shows the password it refuses does not bring it into the message', async () => {
    onMessage = (id, _tag, socket) => socket.write(result(id, 0x61, 49, undefined, 'no s3cret here'));
    const bind = connect({ bind: { method: 'simple', dn: 'cn=a', password: 's3cret' } });
    await expect(bind).rejects.toMatchObject({
      code: 'AuthenticationRejected',
      message: expect.stringMatching(/no \*\*\* here$/),
    });
  });

  test('one that never completes TLS, or never accepts the bind, is given up', async () => {
    onMessage = () => undefined;
    const tls = connectLdap({ url: url.replace('ldap:', 'ldaps:'), connectTimeoutMs: 100 });
    await expect(tls).rejects.toMatchObject({
      code: 'ConnectionFailed',
      message: expect.stringContaining('TLS'),
    });
    const bind = connect({ timeoutMs: 100, bind: { method: 'simple', dn: 'cn=a', password: 'b' } });
    await expect(bind).rejects.toMatchObject({
      code: 'ConnectionFailed',
      message: expect.stringContaining('bind'),
    });
    const controller = new AbortController();
    const aborted = connectLdap({ url: url.replace('ldap:', 'ldaps:'), signal: controller.signal });
    controller.abort();
    await expect(aborted).rejects.toMatchObject({ code: 'Cancelled' });
  });
});

describe('a consumer that lags', () => {
  test(
    'pauses the server and keeps memory flat; other requests still get through',
    { timeout: 30_000 },
    async () => {
      const total = 200;
      let sent = 0;
      const block = (): Buffer =>
        Buffer.concat(Array.from({ length: 64 }, (_, index) => entry(1, `cn=${sent}-${index}`, 16_000)));
      onMessage = (id, tag, socket) => {
        if (tag === 0x77) socket.write(result(id, 0x78));
        if (tag !== 0x63) return;
        const pump = (): void => {
          while (sent < total) {
            sent += 1;
            if (!socket.write(block())) {
              socket.once('drain', pump);
              return;
            }
          }
          socket.write(result(id, 0x65));
        };
        pump();
      };
      await using client = await connect();
      const batches = client.search({ ...all, batchSize: 10 }).batches();
      let entries = (await batches.next()).value?.length ?? 0;
      // The server stands still once the socket's buffers and the high-water mark are full: 200 MiB never arrive.
      let before = -1;
      await expect
        .poll(
          () => {
            const still = sent === before;
            before = sent;
            return still;
          },
          { interval: 200, timeout: 10_000 },
        )
        .toBe(true);
      expect(sent).toBeLessThan(40);
      expect(await client.whoAmI()).toBe('');
      for await (const batch of batches) {
        entries += batch.length;
        await new Promise(setImmediate);
      }
      expect(entries).toBe(total * 64);
    },
  );
});

function sound(id: number): Buffer {
  return Buffer.concat([
    entry(id, 'cn=a,dc=b', 50),
    entry(id, 'cn=b', 0),
    result(id, 0x65, 0, Buffer.alloc(0)),
  ]);
}

test('random and mutated answers never crash or hang the client', { timeout: 60_000 }, async () => {
  const edits = fc.array(fc.tuple(fc.nat(1000), fc.integer({ min: 0, max: 255 })), { maxLength: 6 });
  const nested = fc.integer({ min: 1, max: 20_000 }).map((depth) => Buffer.alloc(depth, 0x30));
  const answers = fc.oneof(
    edits.map((changes) => ({ kind: 'mutated' as const, changes })),
    fc.uint8Array({ maxLength: 300 }).map((bytes) => ({ kind: 'bytes' as const, bytes })),
    nested.map((bytes) => ({ kind: 'bytes' as const, bytes })),
  );
  await fc.assert(
    fc.asyncProperty(answers, fc.boolean(), async (answer, closes) => {
      onMessage = (id, tag, socket) => {
        if (tag !== 0x63) return;
        const bytes = answer.kind === 'bytes' ? Buffer.from(answer.bytes) : sound(id);
        if (answer.kind === 'mutated') {
          for (const [at, octet] of answer.changes) bytes[at % bytes.length] = octet;
        }
        socket.write(bytes);
        if (closes) socket.end();
      };
      const client = await connect({ timeoutMs: 40 });
      let outcome: unknown = 'done';
      try {
        for await (const item of client.search({ ...all, pageSize: 5 })) {
          if (item.type === 'entry') item.entry.decode();
        }
      } catch (error) {
        outcome = (error as { code?: string }).code;
      }
      expect([
        'done',
        'ProtocolError',
        'LimitExceeded',
        'ConnectionFailed',
        'TargetRejected',
        'NotFound',
        'Conflict',
        'AuthenticationRejected',
        'Cancelled',
      ]).toContain(outcome);
      await client.unbind();
    }),
    { numRuns: 250 },
  );
});
