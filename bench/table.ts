/** What a ratio should be. */
export interface Target {
  readonly limit: number;
  readonly sense: 'atLeast' | 'atMost';
}

/** One line of the table. */
export interface Line {
  readonly what: string;
  readonly ours: string;
  readonly yardstick: string;
  readonly ratio?: number;
  /** A target that this run cannot judge is left out, and said in `yardstick`. */
  readonly target?: Target;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((left, right) => left - right);
  const middle = sorted[Math.floor(sorted.length / 2)];
  if (middle === undefined) throw new Error('nothing was measured');
  const other = sorted[Math.floor((sorted.length - 1) / 2)] ?? middle;
  return (middle + other) / 2;
}

function isMet(ratio: number, { limit, sense }: Target): boolean {
  return sense === 'atLeast' ? ratio >= limit : ratio <= limit;
}

function cells({ what, ours, yardstick, ratio, target }: Line): string[] {
  const verdict =
    ratio === undefined || target === undefined ? '' : isMet(ratio, target) ? 'met' : '**not met**';
  const wanted = target === undefined ? '' : `${target.sense === 'atLeast' ? '≥' : '≤'} ${target.limit}`;
  return [what, ours, yardstick, ratio === undefined ? '' : ratio.toFixed(2), wanted, verdict];
}

/** As a table of Markdown, which is also one to look at in a terminal. */
export function renderTable(lines: readonly Line[]): string {
  const rows = [['', 'Lockstep', 'beside', 'ratio', 'target', ''], ...lines.map(cells)];
  const widths = rows[0]!.map((_, column) => Math.max(3, ...rows.map((row) => row[column]!.length)));
  const render = (row: readonly string[]): string =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column]!)).join(' | ')} |\n`;
  const [head, ...body] = rows.map(render);
  return `${head}${render(widths.map((width) => '-'.repeat(width)))}${body.join('')}`;
}

/** Thousands with a comma. */
export function count(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

/** What rounds to nothing is something all the same. */
export function perSecond(rate: number): string {
  return rate < 1 ? '< 1/s' : `${count(rate)}/s`;
}

export function seconds(value: number): string {
  return `${value.toFixed(value < 10 ? 2 : 1)} s`;
}

export function megabytes(bytes: number): string {
  return `${count(bytes / 1e6)} MB`;
}
