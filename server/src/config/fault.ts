import type { ErrorCode } from '../kernel/errors.ts';
import { LockstepError } from '../kernel/errors.ts';
import type { FieldPath } from './field-path.ts';

/** One thing that is wrong with a part of a configuration. */
export interface Fault {
  /** From the part on: `['scopes', 0, 'source']`. */
  readonly path: FieldPath;
  readonly code: ErrorCode;
  readonly message: string;
  readonly remedy: string | undefined;
  /** Line and column inside the value, where it is a text of its own grammar. */
  readonly position?: LockstepError['position'];
}

/** The fault that using a value shows, or none. */
export function faultOf(path: FieldPath, use: () => unknown): Fault[] {
  try {
    use();
    return [];
  } catch (error) {
    if (!(error instanceof LockstepError)) throw error;
    const { code, message, remedy, position, field } = error;
    return [{ path, code, message: message.replace(`${field}: `, ''), remedy, position }];
  }
}
