import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LockstepError } from '../kernel/errors.ts';
import { compileMapping } from './compile.ts';
import { overlayMapping } from './configured.ts';
import type { KindMapping, Mapping } from './rules.ts';

const forUsers = (user: KindMapping): Mapping => ({ user, organizationalUnit: {}, group: {} });

const version = (user: KindMapping): string => compileMapping(forUsers(user)).version;

describe('rules', () => {
  const mapping = compileMapping(
    forUsers({
      username: { from: ['uid'] },
      email: { from: ['mail', 'rfc822Mailbox'] },
      name: { cel: 'source.givenName[0] + " " + source.sn[0]' },
      origin: { value: ['ldap'] },
      nothing: { value: [] },
      photo: { from: ['jpegPhoto'] },
    }),
  );

  it('copies values verbatim, the first attribute that has some', () => {
    const photo = [Uint8Array.of(1, 2)];
    expect(mapping.user({ uid: [' Ann '], rfc822Mailbox: ['a@x', 'b@x'], jpegPhoto: photo })).toEqual({
      username: [' Ann '],
      email: ['a@x', 'b@x'],
      origin: ['ldap'],
      photo,
    });
    expect(mapping.user({ mail: ['m@x'], rfc822Mailbox: ['a@x'] })['email']).toEqual(['m@x']);
  });

  it('takes an empty list for an absent attribute', () => {
    expect(mapping.user({ mail: [], rfc822Mailbox: ['a@x'] })['email']).toEqual(['a@x']);
    expect(mapping.user({ uid: [] })).toEqual({ origin: ['ldap'] });
  });

  it('finds attributes whatever their letter case, an exact spelling first', () => {
    expect(mapping.user({ UID: ['u'], MAIL: ['m'], GIVENNAME: ['A'], SN: ['B'] })).toEqual({
      username: ['u'],
      email: ['m'],
      name: ['A B'],
      origin: ['ldap'],
    });
    expect(mapping.user({ UID: ['x'], uid: ['y'], Uid: ['z'] })['username']).toEqual(['y']);
    expect(mapping.user({ uid: ['y'], UID: ['x'] })['username']).toEqual(['y']);
  });

  it('keeps rules apart whose source attributes differ in letter case only', () => {
    const two = compileMapping(forUsers({ a: { from: ['Mail'] }, b: { from: ['mail'] } }));
    expect(two.user({ Mail: ['1'], mail: ['2'] })).toEqual({ a: ['1'], b: ['2'] });
    expect(two.user({ MAIL: ['3'] })).toEqual({ a: ['3'], b: ['3'] });
  });

  it.each(['source["title"]', 'source.title[0]'])('refuses %s where an attribute is named', (name) => {
    expect(() => compileMapping(forUsers({ title: { from: ['title', name] } }), 'syncs.in.map')).toThrow(
      expect.objectContaining({
        field: 'syncs.in.map.user.title',
        remedy: expect.stringContaining(`{ cel: '${name}' }`),
      }),
    );
    expect(compileMapping(forUsers({ title: { from: ['source'] } })).user({ source: ['x'] })).toEqual({
      title: ['x'],
    });
  });

  it('names rule and values when an expression fails for one object', () => {
    const broken = compileMapping(forUsers({ number: { cel: 'int(source.employeeNumber[0]) + 1' } }));
    expect(broken.user({ employeeNumber: ['41'] })).toEqual({ number: ['42'] });
    const run = (): unknown => broken.user({ employeeNumber: ['forty'] });
    expect(run).toThrow(LockstepError);
    expect(run).toThrow(/rule for number.*employeeNumber = \["forty"\]/);
  });

  it('refuses two rules for one attribute and a name that is none', () => {
    expect(() => compileMapping(forUsers({ mail: { from: ['a'] }, Mail: { from: ['b'] } }))).toThrow(
      /map\.user\.Mail/,
    );
    expect(() => compileMapping(forUsers(JSON.parse('{"__proto__":{"from":["a"]}}') as KindMapping))).toThrow(
      /name/,
    );
  });

  it('names the field of a wrong expression', () => {
    const rules = forUsers({ x: { cel: 'nope(' } });
    expect(() => compileMapping(rules, 'syncs.in.map')).toThrow(/syncs\.in\.map\.user\.x/);
  });

  it('tells the reader which attributes to ask for', () => {
    expect(mapping.attributesRead).toEqual({
      user: ['givenName', 'jpegPhoto', 'mail', 'rfc822Mailbox', 'sn', 'uid'],
      organizationalUnit: [],
      group: [],
    });
    expect(mapping.attributesWritten.user).toEqual([
      'email',
      'name',
      'nothing',
      'origin',
      'photo',
      'username',
    ]);
  });
});

describe('version', () => {
  const rules: KindMapping = { a: { from: ['x', 'y'] }, b: { cel: 'source.z[0]' }, c: { value: ['v'] } };

  it('does not depend on the order of the rules', () => {
    expect(version(Object.fromEntries(Object.entries(rules).reverse()))).toBe(version(rules));
    expect(version(rules)).toMatch(/^[0-9a-f]{64}$/);
  });

  it('changes with everything that changes a value', () => {
    const variants: KindMapping[] = [
      rules,
      { ...rules, a: { from: ['y', 'x'] } },
      { ...rules, b: { from: ['z'] } },
      { ...rules, c: { value: ['v', 'w'] } },
      { a: rules['a'] as never, b: rules['b'] as never },
    ];
    expect(new Set(variants.map(version)).size).toBe(variants.length);
    expect(compileMapping({ user: {}, organizationalUnit: {}, group: rules }).version).not.toBe(
      version(rules),
    );
  });
});

describe('explain', () => {
  const mapping = compileMapping(
    forUsers({
      email: { from: ['mail', 'rfc822Mailbox', 'other'] },
      name: { cel: 'source.cn[0]' },
      number: { cel: 'int(source.n[0])' },
      origin: { value: ['ldap'] },
    }),
  );

  it('gives rule, values read and values written', () => {
    const [email, name, number, origin] = mapping.explain('user', {
      rfc822Mailbox: ['a@x'],
      other: ['o'],
      n: ['x'],
    });
    expect(email).toMatchObject({
      target: 'email',
      read: { mail: [], rfc822Mailbox: ['a@x'] },
      values: ['a@x'],
    });
    expect(email?.read).not.toHaveProperty('other');
    expect(name).toMatchObject({
      target: 'name',
      rule: { cel: 'source.cn[0]' },
      read: { cn: [] },
      values: [],
    });
    expect(number?.error).toMatch(/rule for number/);
    expect(origin).toMatchObject({ read: {}, values: ['ldap'] });
  });

  it('agrees with the mapping', () => {
    const lists = fc.array(fc.string({ minLength: 1 }), { maxLength: 3 });
    const objects = fc.record({ mail: lists, RFC822MAILBOX: lists, cn: lists }, { requiredKeys: [] });
    fc.assert(
      fc.property(objects, (source) => {
        const explained = mapping.explain('user', source).filter(({ values }) => values.length > 0);
        expect(Object.fromEntries(explained.map(({ target, values }) => [target, values]))).toEqual(
          mapping.user(source),
        );
      }),
    );
  });
});

describe('the configured map over the default', () => {
  const defaults = forUsers({ email: { from: ['mail'] }, name: { from: ['cn'] } });

  it('replaces, adds and takes away single rules', () => {
    const overlaid = overlayMapping(defaults, {
      user: {
        Email: { cel: 'lower(source.mail)' },
        name: null,
        phone: ['mobile', 'telephoneNumber'],
        kind: { value: 'x' },
      },
    });
    expect(overlaid.user).toEqual({
      Email: { cel: 'lower(source.mail)' },
      phone: { from: ['mobile', 'telephoneNumber'] },
      kind: { value: ['x'] },
    });
  });

  it('is the default where nothing is configured', () => {
    expect(overlayMapping(defaults, undefined)).toEqual(defaults);
    expect(overlayMapping(defaults, { group: { a: 'b' } })).toEqual({
      ...defaults,
      group: { a: { from: ['b'] } },
    });
  });
});

it('maps 100,000 objects by 25 rules without an expression engine', () => {
  const rules: Record<string, KindMapping[string]> = {};
  const source: Record<string, string[]> = {};
  for (let index = 0; index < 25; index += 1) {
    rules[`target${index}`] = { from: [`Source${index}`, `fallback${index}`] };
    if (index % 5 !== 0) source[`source${index}`] = [`value ${index}`];
  }
  const mapping = compileMapping(forUsers(rules));
  const start = process.cpuUsage();
  let values = 0;
  for (let index = 0; index < 100_000; index += 1) {
    const mapped = mapping.user({ ...source, id: [String(index)] });
    if (mapped['target1'] !== undefined) values += 1;
  }
  const { user, system } = process.cpuUsage(start);
  expect(values).toBe(100_000);
  // Ten times what it takes, so that a busy machine does not fail it and an expression engine in the path does.
  expect((user + system) / 1e6).toBeLessThan(2);
});
