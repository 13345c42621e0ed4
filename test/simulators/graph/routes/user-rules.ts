import { badRequest, invalidValue } from '../graph-error.ts';
import { isJsonObject, type JsonObject } from '../json.ts';
import type { Tenant } from '../state/tenant.ts';

/** Characters that an alias may not have; all must be ASCII. */
const forbiddenInAlias = /[^\x21-\x7e]|[@()\\[\]";:<>,]/;
const userNamePattern = /^[A-Za-z0-9'.\-_!#^~]{1,64}$/;

/** Rules of users on top of those of each property. @throws GraphError 400 */
export function checkUser(tenant: Tenant, body: JsonObject): void {
  const { userPrincipalName, mailNickname, usageLocation, passwordProfile, mail } = body;
  if (typeof userPrincipalName === 'string') checkUserName(tenant, userPrincipalName);
  if (typeof mailNickname === 'string' && forbiddenInAlias.test(mailNickname))
    throw invalidValue('mailNickname', 'User');
  if (typeof usageLocation === 'string' && !/^[A-Z]{2}$/i.test(usageLocation))
    throw invalidValue('usageLocation', 'User');
  if (typeof mail === 'string' && !/^[^@\s]+@[^@\s]+$/.test(mail)) throw invalidValue('mail', 'User');
  if (isJsonObject(passwordProfile)) checkPassword(passwordProfile);
}

/** A userPrincipalName is a local part and a verified domain of the tenant. */
function checkUserName(tenant: Tenant, name: string): void {
  const at = name.lastIndexOf('@');
  if (at < 1 || !userNamePattern.test(name.slice(0, at)) || name[at - 1] === '.')
    throw badRequest("Property 'userPrincipalName' is invalid.", [
      {
        code: 'InvalidValue',
        target: 'userPrincipalName',
        message: "Property 'userPrincipalName' is invalid.",
      },
    ]);
  const domain = name.slice(at + 1).toLowerCase();
  if (
    !tenant.settings.domains.some(
      (known) => known.name.toLowerCase() === domain && known.isVerified !== false,
    )
  )
    throw badRequest(
      'The domain portion of the userPrincipalName property is invalid. You must use one of the verified domain names in your organization.',
    );
}

/** Eight to 256 characters of three of four kinds. */
function checkPassword(profile: JsonObject): void {
  const { password } = profile;
  if (password === undefined) return;
  const kinds = [/[a-z]/, /[A-Z]/, /[0-9]/, /[^A-Za-z0-9]/];
  const good =
    typeof password === 'string' &&
    password.length >= 8 &&
    password.length <= 256 &&
    kinds.filter((kind) => kind.test(password)).length >= 3;
  if (!good)
    throw badRequest(
      'The specified password does not comply with password complexity requirements. Please provide a different password.',
    );
}

/** @throws GraphError 400 when the body has no password for a new user. */
export function requirePassword(body: JsonObject): void {
  const profile = body['passwordProfile'];
  if (!isJsonObject(profile) || typeof profile['password'] !== 'string')
    throw badRequest('A password must be specified to create a new user.', [
      {
        code: 'MissingValue',
        target: 'password',
        message: 'A password must be specified to create a new user.',
      },
    ]);
}
