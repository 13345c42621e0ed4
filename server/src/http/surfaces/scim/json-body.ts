import { LockstepError } from '../../../kernel/errors.ts';
import { parseUnambiguousJson } from '../../json-body.ts';

/** A SCIM message off the wire. An empty body is undefined. @throws LockstepError InvalidSyntax. */
export function parseScimBody(bytes: Uint8Array): unknown {
  try {
    return parseUnambiguousJson(bytes);
  } catch (error) {
    if (!(error instanceof LockstepError) || error.code !== 'InvalidRequest') throw error;
    throw new LockstepError('InvalidSyntax', `${error.message}.`, { cause: error });
  }
}
