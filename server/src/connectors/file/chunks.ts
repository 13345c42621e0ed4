import type { FileHandle } from 'node:fs/promises';

const chunkBytes = 256 * 1024;

/** The bytes of a file in order. Each chunk is a buffer of its own, so that slices of it may be kept. */
export async function* readChunks(handle: FileHandle, signal: AbortSignal): AsyncGenerator<Buffer, void> {
  let position = 0;
  for (;;) {
    signal.throwIfAborted();
    const buffer = Buffer.allocUnsafeSlow(chunkBytes);
    const { bytesRead } = await handle.read(buffer, 0, chunkBytes, position);
    if (bytesRead === 0) return;
    position += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

/** Collects the pieces of one record that lies across chunks; joined once, so that a large one costs linear time. */
export class Gathering {
  #pieces: Buffer[] = [];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add(piece: Buffer): void {
    if (piece.length === 0) return;
    this.#pieces.push(piece);
    this.#size += piece.length;
  }

  /** Everything gathered, and starts afresh. */
  take(): Buffer {
    const whole = this.#pieces.length === 1 ? (this.#pieces[0] as Buffer) : Buffer.concat(this.#pieces);
    this.#pieces = [];
    this.#size = 0;
    return whole;
  }
}
