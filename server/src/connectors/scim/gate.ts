/** Steps that went well before one more request may be under way. */
const patience = 20;

/**
 * Lets so many requests be under way at a time. The number is halved when the service asks for rest, and grows again
 * while it does not.
 */
export class Gate {
  readonly #most: number;
  #width: number;
  #running = 0;
  #wellDone = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(most: number) {
    this.#most = most;
    this.#width = most;
  }

  get width(): number {
    return this.#width;
  }

  async run<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.#running >= this.#width) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#running += 1;
    try {
      const result = await work();
      this.#grow();
      return result;
    } finally {
      this.#running -= 1;
      this.#admit();
    }
  }

  /** The service asked for rest. */
  narrow(): void {
    this.#width = Math.max(1, Math.floor(this.#width / 2));
    this.#wellDone = 0;
  }

  #grow(): void {
    this.#wellDone += 1;
    if (this.#wellDone < patience || this.#width >= this.#most) return;
    this.#width += 1;
    this.#wellDone = 0;
  }

  #admit(): void {
    let free = this.#width - this.#running;
    for (; free > 0; free -= 1) this.#waiting.shift()?.();
  }
}
