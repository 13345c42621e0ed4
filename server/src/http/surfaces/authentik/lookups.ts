import { LockstepError } from '../../../kernel/errors.ts';
import { invalid, notFound, type AuthentikError } from './errors.ts';

/** What is looked for; undefined when it is not there. */
export async function ifFound<T>(looked: Promise<T>): Promise<T | undefined> {
  return looked.catch((error: unknown) => {
    if (error instanceof LockstepError && error.kind === 'not_found') return undefined;
    throw error;
  });
}

/** What an address names. @throws AuthentikError 404 with the model's name when it is not there. */
export async function getNamed<T>(looked: Promise<T>, model: string): Promise<T> {
  const found = await ifFound(looked);
  if (found === undefined) throw notFound(model);
  return found;
}

/** A body names another resource that is not there, or is another tenant's. */
export function unknownKey(field: string, key: string | number): AuthentikError {
  return invalid({ [field]: [`Invalid pk "${key}" - object does not exist.`] });
}
