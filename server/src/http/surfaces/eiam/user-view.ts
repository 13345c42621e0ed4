import type { DirectoryObjectDetail } from '@lockstep/contract/directoryObject.ts';
import type { CustomField } from '../../../app/custom-fields.ts';
import type { DirectoryFind } from '../../../app/directory-search.ts';
import { externalIdOf, sourceOf, statusOf, textOf } from './directory-views.ts';
import type { Answer } from './operation.ts';

function flagOf(user: DirectoryFind, attribute: string): boolean {
  return textOf(user, attribute) === 'true';
}

/** A user as lists show it. No password is kept for good, and no account expires or is locked. */
export function renderUser(user: DirectoryFind, instanceId: string): Answer {
  const source = sourceOf(user, instanceId);
  const created = user.createdAt.getTime();
  return {
    InstanceId: instanceId,
    UserId: user.id,
    Username: user.name,
    DisplayName: textOf(user, 'displayName'),
    Email: textOf(user, 'mail'),
    EmailVerified: flagOf(user, 'mailVerified'),
    PhoneNumber: textOf(user, 'phoneNumber'),
    PhoneRegion: textOf(user, 'phoneRegion'),
    PhoneNumberVerified: flagOf(user, 'phoneNumberVerified'),
    Description: textOf(user, 'description'),
    Status: statusOf(user.enabled),
    PasswordSet: false,
    UserSourceType: source.type,
    UserSourceId: source.id,
    UserExternalId: externalIdOf(user),
    RegisterTime: created,
    CreateTime: created,
    UpdateTime: user.updatedAt.getTime(),
  };
}

/** Several values of one field, as check boxes have them, are one text with commas. */
const valueSeparator = ',';

/** Values of a field out of its text. */
export function parseFieldValue(text: string, field: CustomField | undefined): string[] {
  if (text === '') return [];
  return field?.displayType === 'checkbox' ? text.split(valueSeparator) : [text];
}

export function renderFields(
  attributes: DirectoryObjectDetail['attributes'],
  fields: readonly CustomField[],
): Answer[] {
  return fields.flatMap(({ name, enabled }) => {
    const values = (attributes[name] ?? []).filter((value) => typeof value === 'string');
    if (!enabled || values.length === 0) return [];
    return [{ FieldName: name, FieldValue: values.join(valueSeparator) }];
  });
}
