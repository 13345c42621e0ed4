import type { ServerResponse } from 'node:http';
import type { GraphResponse } from './exchange.ts';
import type { Fault } from './faults/faults.ts';

/** Writes an answer: objects as JSON, text as it is. */
export function send(outgoing: ServerResponse, response: GraphResponse): void {
  const text = render(response);
  outgoing.writeHead(response.status, headersOf(response, text === undefined ? 0 : Buffer.byteLength(text)));
  outgoing.end(text);
}

/** Sends an answer with the fault of its connection or body; false when the fault has none. */
export function sendBroken(outgoing: ServerResponse, response: GraphResponse, fault: Fault): boolean {
  const text = render(response) ?? '';
  const length = Buffer.byteLength(text);
  const half = text.slice(0, Math.floor(text.length / 2));
  switch (fault.kind) {
    case 'disconnect':
      outgoing.socket?.destroy();
      return true;
    case 'truncated':
      outgoing.writeHead(
        response.status,
        headersOf(response, fault.cut === 'length' ? length : Buffer.byteLength(half)),
      );
      if (fault.cut === 'json') outgoing.end(half);
      else outgoing.write(half, () => outgoing.socket?.destroy());
      return true;
    case 'huge':
      sendHuge(outgoing, response, text, fault.bytes);
      return true;
    case 'status':
    case 'expiredToken':
    case 'html':
    case 'slow':
      return false;
    default:
      return fault satisfies never;
  }
}

/** A JSON object with one member more, whose text has so many bytes; written in pieces as they are taken. */
function sendHuge(outgoing: ServerResponse, response: GraphResponse, text: string, bytes: number): void {
  const piece = 'x'.repeat(64 * 1024);
  let left = bytes;
  const headers = { ...headersOf(response, 0) };
  delete headers['content-length'];
  outgoing.writeHead(response.status, headers);
  outgoing.write(`{"padding":"`);
  const write = (): void => {
    while (left > 0 && !outgoing.destroyed) {
      const part = piece.slice(0, Math.min(piece.length, left));
      left -= part.length;
      if (!outgoing.write(part)) return void outgoing.once('drain', write);
    }
    outgoing.end(`",${text.startsWith('{') ? text.slice(1) : '"body":null}'}`);
  };
  write();
}

function render({ body }: GraphResponse): string | undefined {
  if (body === undefined) return undefined;
  return typeof body === 'string' ? body : JSON.stringify(body);
}

function headersOf(response: GraphResponse, length: number): Record<string, string> {
  const type =
    'application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8';
  return {
    ...(response.body === undefined ? {} : { 'content-type': type }),
    ...(response.status === 204 ? {} : { 'content-length': String(length) }),
    ...response.headers,
  };
}
