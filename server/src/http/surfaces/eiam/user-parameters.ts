import { listCustomFields } from '../../../app/custom-fields.ts';
import type { FieldChange } from '../../../app/directory-writes/user-fields.ts';
import { given, setText } from './directory-views.ts';
import { missingParameter } from './errors.ts';
import { instanceId, resourceId, type OperationCall } from './operation.ts';
import { parseFieldValue } from './user-view.ts';

export const username = { type: 'string', maxLength: 256, pattern: /^[\w.@-]*$/ } as const;
const email = { type: 'string', maxLength: 128, pattern: /^([\w.-]+@[^\s@]+)?$/ } as const;
const phoneNumber = { type: 'string', pattern: /^(\d{6,15})?$/ } as const;
const phoneRegion = { type: 'string', pattern: /^(\d{1,6})?$/ } as const;
/** A text of so many characters at most. */
export const text = (maxLength: number) => ({ type: 'string', maxLength }) as const;
export const ids = { type: 'array', items: { type: 'string', maxLength: 64 }, maxItems: 100 } as const;

export const contact = {
  Email: email,
  EmailVerified: { type: 'boolean' },
  PhoneNumber: phoneNumber,
  PhoneNumberVerified: { type: 'boolean' },
  PhoneRegion: phoneRegion,
} as const;

interface Contact {
  readonly Email?: string | undefined;
  readonly EmailVerified?: boolean | undefined;
  readonly PhoneNumber?: string | undefined;
  readonly PhoneNumberVerified?: boolean | undefined;
  readonly PhoneRegion?: string | undefined;
}

/** Whether an address or number is trusted must be said together with it. */
export function contactAttributes(of: Contact): Record<string, string[]> {
  const [mail, phone] = [given(of.Email), given(of.PhoneNumber)];
  if (mail !== undefined && of.EmailVerified === undefined) throw missingParameter('EmailVerified');
  if (phone !== undefined && of.PhoneNumberVerified === undefined)
    throw missingParameter('PhoneNumberVerified');
  return {
    ...setText('mail', mail),
    ...setText('mailVerified', of.EmailVerified?.toString()),
    ...setText('phoneNumber', phone),
    ...setText('phoneNumberVerified', of.PhoneNumberVerified?.toString()),
    ...setText('phoneRegion', given(of.PhoneRegion)),
  };
}

interface GivenField {
  readonly FieldName?: string | undefined;
  readonly FieldValue?: string | undefined;
  readonly Operation?: 'add' | 'replace' | 'remove' | undefined;
}

export async function readFields(
  { app, actor }: OperationCall<unknown>,
  fields: readonly GivenField[] | undefined,
): Promise<FieldChange[]> {
  if (fields === undefined || fields.length === 0) return [];
  const known = await listCustomFields(app, actor);
  return fields.map(({ FieldName = '', FieldValue = '', Operation = 'replace' }) => ({
    name: FieldName,
    values: parseFieldValue(
      FieldValue,
      known.find(({ name }) => name === FieldName),
    ),
    operation: Operation,
  }));
}

/** What becomes of a password, wherever one is given. */
export const passwordDeviation =
  'Password is kept for identity providers whose PasswordSyncStatus is enabled, sealed and for ten minutes at most, until a run has written it there; without one it is dropped, since nobody signs in here. No policy of this directory applies to it: the server that it is written to may refuse it, which the job tells';

export const oneUser = { InstanceId: instanceId, UserId: resourceId } as const;
const resourceOfUser = ({ InstanceId, UserId }: { InstanceId: string; UserId: string }): string =>
  `instance/${InstanceId}/user/${UserId}`;
/** What operations on one user that change it have in common. */
export const aboutUser = { role: 'operator', subject: 'User', resource: resourceOfUser } as const;
