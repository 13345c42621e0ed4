import { LockstepError } from '../kernel/errors.ts';

/** Deeper documents are refused: no protocol in use nests like that. */
const deepestNesting = 100;

/** Whether anything lies deeper than the limit; without recursion, since the document is a stranger's. */
function isTooDeep(root: unknown): boolean {
  let level: unknown[] = [root];
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > deepestNesting) return true;
    const below: unknown[] = [];
    for (const value of level) {
      if (typeof value !== 'object' || value === null) continue;
      for (const member of Object.values(value)) {
        if (typeof member === 'object' && member !== null) below.push(member);
      }
    }
    level = below;
  }
  return false;
}

export interface JsonAnswer {
  readonly systemName: string;
  readonly status: number;
  readonly contentType: string;
}

/**
 * The JSON of an answer (RFC 8259); undefined when it is empty. What is no JSON is an error in an answer that says
 * success; in one that says failure (a proxy's page) the status counts and the body is undefined.
 * @throws LockstepError ProtocolError
 */
export function parseJsonAnswer(text: string, { systemName, status, contentType }: JsonAnswer): unknown {
  if (text.trim() === '') return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    if (status >= 300) return undefined;
    const kind = contentType === '' ? 'no content type' : contentType;
    throw new LockstepError(
      'ProtocolError',
      `${systemName} answered ${status} with what is no JSON (${kind}, ${text.length} characters)`,
      {
        cause,
        remedy: 'Check that the address is that of the service, and not of a proxy or a sign-in page.',
      },
    );
  }
  if (!isTooDeep(value)) return value;
  throw new LockstepError(
    'ProtocolError',
    `${systemName} answered with JSON that is nested deeper than ${deepestNesting} levels`,
  );
}
