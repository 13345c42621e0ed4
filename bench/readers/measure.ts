/** What a reader program gets as its only argument, in JSON. */
export interface ReaderTask {
  readonly url: string;
  readonly bindDn: string;
  readonly password: string;
  readonly base: string;
  readonly attributes: readonly string[];
  readonly pageSize: number;
}

/** What it prints. */
export interface ReaderResult {
  readonly entries: number;
  /** Of the whole process, compiler and collector threads included, from the bind on. */
  readonly cpuSeconds: number;
  readonly wallSeconds: number;
}

interface Reader {
  /** The number of entries. */
  read(): Promise<number>;
  close(): Promise<void>;
}

/** Connects, reads once without warming up, and prints what it took. */
export async function measureReader(open: (task: ReaderTask) => Promise<Reader>): Promise<void> {
  const reader = await open(JSON.parse(process.argv[2] ?? '') as ReaderTask);
  const begin = performance.now();
  const before = process.cpuUsage();
  const entries = await reader.read();
  const { user, system } = process.cpuUsage(before);
  const result: ReaderResult = {
    entries,
    cpuSeconds: (user + system) / 1e6,
    wallSeconds: (performance.now() - begin) / 1000,
  };
  await reader.close();
  process.stdout.write(JSON.stringify(result));
}
