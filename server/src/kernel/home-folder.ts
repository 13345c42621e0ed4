import { homedir } from 'node:os';

/** The folder of this account; undefined for one that the system does not know, as containers run under. */
export function findHomeFolder(): string | undefined {
  try {
    return homedir();
  } catch {
    return undefined;
  }
}
