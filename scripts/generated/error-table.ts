import { errorTable } from '../../server/src/kernel/errors.ts';
import type { ErrorKind } from '../../server/src/kernel/errors.ts';

/** Who has to act on an error of each kind. */
const actors: Record<ErrorKind, string> = {
  invalid: 'The author of the input: correct it.',
  unauthenticated: 'The caller: send a valid credential.',
  forbidden: 'An administrator: grant the right, or do it in person.',
  not_found: 'The caller: name something that exists.',
  conflict: 'The owner of the data: resolve what contradicts.',
  rate_limited: 'The caller: slow down.',
  unavailable: 'The operator of the connected system or of the store; trying again may help.',
  refused: 'The operator: the rule behind the refusal has to be met first.',
  guarded: 'An approver: look at the plan and approve it, or correct the source.',
  cancelled: 'Nobody: a person ended it.',
  bug: 'The makers of Lockstep: report it.',
};

/** docs/errors.md from the table of the kernel. */
export function renderErrorTable(): string {
  const sections = Object.entries(actors).map(([kind, actor]) => {
    const rows = Object.entries(errorTable).filter(([, [of]]) => of === kind);
    const lines = rows.map(([code, [, meaning]]) => `| \`${code}\` | ${meaning} |`);
    return lines.length === 0
      ? ''
      : `## ${kind}\n\n${actor}\n\n| code | meaning |\n| --- | --- |\n${lines.join('\n')}\n`;
  });
  return `# Errors

Every error that Lockstep raises on purpose has one of these codes, in the API, on the command line, in the outcome of an
object and in the log. The kind says who can do something about it. This page is generated.

${sections.filter((section) => section !== '').join('\n')}`;
}
