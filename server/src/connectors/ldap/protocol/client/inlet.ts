const slabBytes = 256 << 10;
const leastRoom = 32 << 10;

/** Takes bytes as they come; they stay as they are for as long as somebody holds them. */
export type ByteSink = (chunk: Buffer) => void;

/**
 * Reads a plain socket into large buffers, one read behind the other, where Node would allocate a buffer for each.
 * `onread` is the option of that name of `net.connect`; such a socket has no 'data' events.
 */
export class Inlet {
  readonly onread = {
    buffer: (): Buffer => this.#room(),
    callback: (bytes: number): boolean => this.#take(bytes),
  };
  #slab = Buffer.allocUnsafeSlow(slabBytes);
  #filled = 0;
  #sink: ByteSink | undefined;
  /** What came before there was a sink. */
  readonly #early: Buffer[] = [];

  open(sink: ByteSink): void {
    this.#sink = sink;
    for (const chunk of this.#early.splice(0)) sink(chunk);
  }

  close(): void {
    this.#sink = () => undefined;
  }

  #room(): Buffer {
    if (slabBytes - this.#filled < leastRoom) {
      this.#slab = Buffer.allocUnsafeSlow(slabBytes);
      this.#filled = 0;
    }
    return this.#slab.subarray(this.#filled);
  }

  #take(bytes: number): boolean {
    const chunk = this.#slab.subarray(this.#filled, this.#filled + bytes);
    this.#filled += bytes;
    if (this.#sink) this.#sink(chunk);
    else this.#early.push(chunk);
    return true;
  }
}
