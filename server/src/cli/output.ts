/** One line, or several, on standard output. */
export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, undefined, 2)}\n`);
}

/** A remark on standard error: standard output is for results alone. */
export function note(text: string): void {
  process.stderr.write(`${text}\n`);
}
