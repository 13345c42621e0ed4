import { LockstepError } from '../../kernel/errors.ts';
import type { TargetChange } from '../../sync/connector.ts';
import { resultFailure } from './errors.ts';
import { BerWriter } from './protocol/ber/writer.ts';
import type { AttributeBytes } from './protocol/messages/requests.ts';
import { resultCodes, type LdapResult } from './protocol/messages/result.ts';
import { writeAt, type Writing } from './writing.ts';

/** Password Modify (RFC 3062). */
const passwordModifyOid = '1.3.6.1.4.1.4203.1.11.1';

/** PasswdModifyRequestValue (RFC 3062 section 2): whose password it is, and the new one. */
export function passwordModifyValue(dn: string, password: string): Buffer {
  const writer = new BerWriter();
  writer.begin();
  writer.octets(dn, 0x80);
  writer.octets(password, 0x82);
  writer.end();
  return writer.take();
}

/** The value of unicodePwd: the password in double quotes, in UTF-16 with the low byte first ([MS-ADTS] section 3.1.1.3.1.5). */
export function unicodePassword(password: string): Buffer {
  return Buffer.from(`"${password}"`, 'utf16le');
}

/**
 * Sets the password of a user in the way that the server has: Password Modify where it knows that, which hashes and
 * checks as the server's policy says, else as the value of an attribute.
 * @throws LockstepError PasswordRejected, and as any other write. What the password is stands in none of them.
 */
export async function setPassword(
  writing: Writing,
  change: Pick<TargetChange, 'externalId' | 'location'>,
  password: string,
): Promise<void> {
  const { shape } = writing;
  if (shape.isActiveDirectory && !shape.isProtected)
    throw new LockstepError(
      'PasswordRejected',
      'Active Directory takes passwords over a protected connection only: use ldaps:// or startTls',
    );
  const { dn, result } = shape.isActiveDirectory
    ? await replaceValue(writing, change, 'unicodePwd', unicodePassword(password))
    : writing.extensions.has(passwordModifyOid)
      ? await modifyPassword(writing, change, password)
      : await replaceValue(writing, change, 'userPassword', password);
  if (result.code === resultCodes.success) return;
  const operation = { name: 'password change', dn } as const;
  throw resultFailure(withoutPassword(result, password), operation, refusals.get(result.code));
}

function replaceValue(
  writing: Writing,
  change: Pick<TargetChange, 'externalId' | 'location'>,
  attribute: string,
  value: AttributeBytes,
) {
  return writeAt(writing, change, (dn, controls) =>
    writing.client.modify(dn, [{ operation: 'replace', attribute, values: [value] }], controls),
  );
}

function modifyPassword(
  writing: Writing,
  change: Pick<TargetChange, 'externalId' | 'location'>,
  password: string,
) {
  const write = async (dn: string) =>
    (await writing.client.extended(passwordModifyOid, passwordModifyValue(dn, password))).result;
  return writeAt(writing, change, write, { takesControls: false });
}

/** Results by which servers refuse a password; others say that it cannot be written at all. */
const refusals = new Map(
  [resultCodes.constraintViolation, resultCodes.unwillingToPerform, resultCodes.invalidAttributeSyntax].map(
    (code) => [code as number, 'PasswordRejected'] as const,
  ),
);

/** A server may repeat in its message what it was sent. */
function withoutPassword(result: LdapResult, password: string): LdapResult {
  return result.message.includes(password) ? { ...result, message: '' } : result;
}
