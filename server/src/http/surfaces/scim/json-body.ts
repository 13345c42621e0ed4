import { LockstepError } from '../../../kernel/errors.ts';
import { parseJsonBody } from '../../json-body.ts';

const token = /"(?:[^"\\]|\\.)*"|[{}[\]:,]/gs;

/** An open object with the names that it has had, or an open list. */
type Open = { readonly names: Set<string>; expectsName: boolean } | 'list';

/**
 * Refuses an object in which a name stands twice: RFC 8259 section 4 leaves open which one counts, so the sides may
 * differ about what was asked for. The text must be valid JSON. @throws LockstepError InvalidSyntax.
 */
function refuseDuplicateNames(text: string): void {
  const open: Open[] = [];
  for (const [found] of text.matchAll(token)) {
    const inner = open.at(-1);
    if (found === '{') open.push({ names: new Set(), expectsName: true });
    else if (found === '[') open.push('list');
    else if (found === '}' || found === ']') open.pop();
    else if (inner === undefined || inner === 'list') continue;
    else if (found === ',') inner.expectsName = true;
    else if (found !== ':' && inner.expectsName) {
      inner.expectsName = false;
      const name = JSON.parse(found) as string;
      if (inner.names.has(name)) {
        throw new LockstepError('InvalidSyntax', `The body has the name ${JSON.stringify(name)} twice.`);
      }
      inner.names.add(name);
    }
  }
}

/** A SCIM message off the wire. An empty body is undefined. @throws LockstepError InvalidSyntax. */
export function parseScimBody(bytes: Uint8Array): unknown {
  try {
    const value = parseJsonBody(bytes);
    if (value !== undefined) refuseDuplicateNames(Buffer.from(bytes).toString('utf8'));
    return value;
  } catch (error) {
    if (!(error instanceof LockstepError) || error.code !== 'InvalidRequest') throw error;
    throw new LockstepError('InvalidSyntax', `${error.message}.`, { cause: error });
  }
}
