import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

/** The part of vitest's JSON report (Jest's format) that is counted. */
interface TestReport {
  readonly testResults?: readonly {
    readonly status?: string;
    readonly assertionResults?: readonly { readonly status: string }[];
  }[];
}

export interface TestTotals {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/**
 * Counts what a report says, and what it does not say as a number: a file that could not be imported has no tests,
 * so it counts as one failed; an exit code other than 0 without any failed test (an unhandled error, a report that
 * was never written) counts as one failed, too.
 */
export function countTests(report: TestReport | undefined, exitCode: number): TestTotals {
  let passed = 0;
  let failed = 0;
  let skipped = 0;
  for (const file of report?.testResults ?? []) {
    const tests = file.assertionResults ?? [];
    const failedHere = tests.filter((test) => test.status === 'failed').length;
    const passedHere = tests.filter((test) => test.status === 'passed').length;
    passed += passedHere;
    skipped += tests.length - passedHere - failedHere;
    failed += file.status === 'failed' && failedHere === 0 ? 1 : failedHere;
  }
  if (failed === 0 && (exitCode !== 0 || passed === 0)) failed = 1;
  return { passed, failed, skipped };
}

export function renderTotals({ passed, failed, skipped }: TestTotals): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
}

function loadReport(path: string): TestReport | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as TestReport;
  } catch {
    return undefined;
  }
}

// LOCKSTEP_FAILED_BEFORE: steps of the same run that failed before the tests (the checks, in .ci/run).
if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const [path = '', exitCode = '1'] = process.argv.slice(2);
  const counted = countTests(loadReport(path), Number(exitCode));
  const failedBefore = Number(process.env.LOCKSTEP_FAILED_BEFORE ?? 0);
  const totals = { ...counted, failed: counted.failed + failedBefore };
  console.log(renderTotals(totals));
  process.exitCode = totals.failed > 0 ? 1 : 0;
}
