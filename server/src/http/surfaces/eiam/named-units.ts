import { LockstepError } from '../../../kernel/errors.ts';
import { resourceNotFound } from './errors.ts';

/** An organizational unit that a request names and that is not there is what it is about, not its user or group. */
export async function namingUnits<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    const unit =
      error instanceof LockstepError &&
      (error.code === 'ParentNotFound' ||
        (error.code === 'NotFound' && error.field === 'organizationalUnits'));
    throw unit ? resourceNotFound('OrganizationalUnit') : error;
  }
}

/** The same for users among a group's members. */
export async function namingMembers<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    const member = error instanceof LockstepError && error.code === 'NotFound' && error.field === 'member';
    throw member ? resourceNotFound('User') : error;
  }
}
