import { LockstepError } from '../kernel/errors.ts';
import { ConnectionLost } from './client.ts';
import { fileError } from './file-error.ts';
import { printable } from './table.ts';

interface Fault {
  readonly message: string;
  readonly position?: LockstepError['position'];
  readonly field?: string | undefined;
  readonly remedy?: string | undefined;
  readonly code: string;
}

function renderPosition(position: LockstepError['position']): string | undefined {
  if (position === undefined) return undefined;
  const place = `${position.line}:${position.column}`;
  return position.file === undefined ? `line ${place}` : `${position.file}:${place}`;
}

function renderFault(fault: Fault): string {
  const position = renderPosition(fault.position);
  const { field = '', remedy = '' } = fault;
  const lines = [
    `error: ${fault.message}`,
    ...(position === undefined ? [] : [`  at:     ${position}`]),
    ...(field !== '' ? [`  field:  ${field}`] : []),
    ...(remedy !== '' ? [`  remedy: ${remedy}`] : []),
    `  code:   ${fault.code}`,
  ];
  return lines.map(printable).join('\n');
}

/** An input with several faults shows each of them. */
function renderLockstepError(error: LockstepError): string {
  const faults: readonly Fault[] = error.problems.length > 0 ? error.problems : [error];
  return faults.map(renderFault).join('\n');
}

/** What a person reads of an error: message, place, field, remedy and code; a stack only for a defect. */
export function renderError(error: unknown): string {
  if (error instanceof LockstepError) return renderLockstepError(error);
  if (error instanceof ConnectionLost) return `error: ${error.message}\n  remedy: Run the command again.`;
  const ofFile = fileError(error);
  if (ofFile !== undefined) return renderLockstepError(ofFile);
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return `error: this is a defect in Lockstep\n${stack}`;
}
