import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { ldapConnectionSchema } from '@lockstep/contract/connection-configuration.ts';
import { startSlapd, type Slapd } from '../../../../test/servers/slapd.ts';
import { LockstepError } from '../../kernel/errors.ts';
import type { TargetChange, TargetOutcome } from '../../sync/connector.ts';
import { resolveShape } from './config.ts';
import { ldapConnector } from './connector.ts';
import { passwordModifyValue, setPassword, unicodePassword } from './passwords.ts';
import { connectLdap, type LdapClient } from './protocol/client/client.ts';
import type { Modification } from './protocol/messages/requests.ts';
import { resultCodes, type LdapResult } from './protocol/messages/result.ts';
import type { Writing } from './writing.ts';

const suffix = 'dc=example,dc=com';

test('a password for Active Directory is quoted UTF-16 with the low byte first', () => {
  expect(unicodePassword('newé').toString('hex')).toBe('22006e0065007700e9002200');
});

test('Password Modify names the user and the new password', () => {
  expect(passwordModifyValue('cn=a', 'pw').toString('hex')).toBe('300a8004636e3d6182027077');
});

const result = (code: number, message = ''): LdapResult => ({
  code,
  matchedDn: '',
  message,
  referrals: [],
  controls: [],
});
function scripted(url: string, answer: LdapResult, externalIdAttribute = 'objectGUID') {
  const written: Modification[] = [];
  const settings = ldapConnectionSchema.parse({
    type: 'ldap',
    url,
    baseDn: suffix,
    externalIdAttribute,
  });
  const client = {
    modify: (_dn: string, modifications: readonly Modification[]) => {
      written.push(...modifications);
      return Promise.resolve(answer);
    },
  } as unknown as LdapClient;
  const writing = {
    client,
    shape: resolveShape(settings),
    controls: new Set<string>(),
    extensions: new Set<string>(),
  } as unknown as Writing;
  const set = async (): Promise<void> =>
    setPassword(writing, { externalId: null, location: `cn=a,${suffix}` }, 'Sesame 1');
  return { written, set };
}

describe('a server in a script', () => {
  test('gets unicodePwd as Active Directory', async () => {
    const { written, set } = scripted('ldaps://ad.example.com', result(resultCodes.success));
    await set();
    expect(written).toEqual([
      { operation: 'replace', attribute: 'unicodePwd', values: [unicodePassword('Sesame 1')] },
    ]);
  });

  test('gets nothing as Active Directory over an unprotected connection', async () => {
    const { written, set } = scripted('ldap://ad.example.com', result(resultCodes.success));
    await expect(set()).rejects.toMatchObject({ code: 'PasswordRejected' });
    expect(written).toEqual([]);
  });

  test('that does not know Password Modify gets userPassword', async () => {
    const { written, set } = scripted('ldap://old.example.com', result(resultCodes.success), 'entryUUID');
    await set();
    expect(written).toEqual([{ operation: 'replace', attribute: 'userPassword', values: ['Sesame 1'] }]);
  });

  test('that repeats the password in its message is not quoted', async () => {
    const { set } = scripted('ldaps://ad.example.com', result(53, 'no: Sesame 1'));
    const error: unknown = await set().catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(LockstepError);
    expect(error).toMatchObject({ code: 'PasswordRejected' });
    expect((error as Error).message).not.toContain('Sesame');
  });
});

const dnOf = (name: string): string => `uid=${name},${suffix}`;
const password = (text: string) => ({ text, version: '1' });

describe('slapd', () => {
  let server: Slapd;
  let count = 0;
  let uid: string;

  beforeAll(async () => {
    server = await startSlapd({
      dbnosync: true,
      globalConfig: 'moduleload ppolicy\n',
      extraConfig: `access to * by dn.exact="cn=writer,${suffix}" write by anonymous auth by * none
overlay ppolicy\nppolicy_default "cn=policy,${suffix}"\n`,
    });
    await server.addLdif(`dn: cn=policy,${suffix}
objectClass: person
objectClass: pwdPolicy
cn: policy
sn: policy
pwdAttribute: userPassword
pwdMinLength: 6
pwdCheckQuality: 2

dn: cn=writer,${suffix}
objectClass: organizationalRole
objectClass: simpleSecurityObject
cn: writer
userPassword: writer password
`);
  });
  afterAll(() => server.stop());
  beforeEach(async () => {
    count += 1;
    uid = `person${count}`;
    await server.addLdif(`dn: uid=${uid},${suffix}
objectClass: inetOrgPerson
uid: ${uid}
cn: ${uid}
sn: ${uid}
`);
  });

  async function signsIn(name: string, password: string): Promise<boolean> {
    try {
      await using _ = await connectLdap({
        url: server.url,
        bind: { method: 'simple', dn: dnOf(name), password },
      });
      return true;
    } catch (error) {
      if (error instanceof LockstepError && error.code === 'AuthenticationRejected') return false;
      throw error;
    }
  }

  async function idOf(name: string): Promise<string> {
    const entries = await server.entries();
    const found = entries.find(({ dn }) => dn === dnOf(name));
    return String(found?.attributes['entryUUID']?.[0]);
  }

  async function apply(
    change: Partial<TargetChange>,
    as = { bindDn: server.adminDn, password: server.password },
  ): Promise<TargetOutcome | undefined> {
    const settings = ldapConnectionSchema.parse({
      type: 'ldap',
      url: server.url,
      baseDn: suffix,
      ...as,
    });
    const endpoint = await ldapConnector.open(settings, { baseDirectory: '/', secret: () => undefined });
    await using session = await endpoint.openTarget({ job: 'job', scopes: [{ node: suffix }] });
    const whole: TargetChange = {
      ordinal: 1,
      kind: 'user',
      verb: 'update',
      externalId: await idOf(uid),
      location: dnOf(uid),
      parentLocation: null,
      name: null,
      set: {},
      before: {},
      ...change,
    };
    const options = { recovering: false, signal: new AbortController().signal };
    return (await session.apply([whole], options))[0];
  }
  test('lets the person in with the password that was set, and keeps a hash of it', async () => {
    expect(await apply({ password: password('pärch ment') })).toMatchObject({ ok: true });
    expect(await signsIn(uid, 'pärch ment')).toBe(true);
    expect(await signsIn(uid, 'parchment')).toBe(false);
    expect(await server.dump()).not.toContain(Buffer.from('pärch ment').toString('base64'));
  });

  test('refuses what its policy does not allow, and says why', async () => {
    await apply({ password: password('parchment') });
    const writer = { bindDn: `cn=writer,${suffix}`, password: 'writer password' };
    const refused = await apply({ password: password('inky') }, writer);
    expect(refused).toMatchObject({
      ok: false,
      code: 'PasswordRejected',
      message: expect.stringMatching(/password change of "uid=.*constraintViolation/),
    });
    expect(JSON.stringify(refused)).not.toContain('inky');
    expect(await signsIn(uid, 'parchment')).toBe(true);
    expect(await apply({ password: password('inkwell') }, writer)).toMatchObject({ ok: true });
  });

  test('gets other attributes with it, and a new name', async () => {
    const outcome = await apply({
      verb: 'move',
      name: `uid=${uid}new`,
      parentLocation: suffix,
      set: { title: ['chief'] },
      password: password('parchment'),
    });
    expect(outcome).toMatchObject({ ok: true, location: dnOf(`${uid}new`) });
    expect(await signsIn(`${uid}new`, 'parchment')).toBe(true);
  });

  test('is told of the person by id: one who took the place is left alone', async () => {
    const id = await idOf(uid);
    await server.tool('ldapmodrdn', ['-r', dnOf(uid), `uid=${uid}moved`]);
    await server.addLdif(`dn: ${dnOf(uid)}\nobjectClass: inetOrgPerson\nuid: ${uid}\ncn: b\nsn: b\n`);
    expect(await apply({ externalId: id, password: password('parchment') })).toMatchObject({ ok: true });
    expect(await signsIn(uid, 'parchment')).toBe(false);
    expect(await signsIn(`${uid}moved`, 'parchment')).toBe(true);
  });

  test('that is gone is no password set', async () => {
    const id = await idOf(uid);
    await server.tool('ldapdelete', [dnOf(uid)]);
    expect(await apply({ externalId: id, password: password('parchment') })).toMatchObject({
      ok: false,
      code: 'NotFound',
    });
  });
});
