import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LockstepError } from '../kernel/errors.ts';
import { loadConfiguration, parseConfiguration } from './load.ts';
import type { LoadedConfiguration } from './loaded.ts';

let directory = '';
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'lockstep-configuration-'));
  await writeFile(join(directory, 'password'), 'from the file\n');
  await writeFile(join(directory, 'empty'), '\n');
  await writeFile(join(directory, 'latin1'), Buffer.from('Schlüssel', 'latin1'));
});
afterAll(() => rm(directory, { recursive: true }));

const environment = { CORP_PASSWORD: 'geheim', HOST: 'ldap.example.com', EMPTY: '' };

function parse(text: string): LoadedConfiguration {
  return parseConfiguration(text, { file: 'lockstep.yaml', baseDirectory: directory, environment });
}

function refusal(text: string): LockstepError {
  try {
    parse(text);
  } catch (error) {
    if (error instanceof LockstepError) return error;
    throw error;
  }
  throw new Error('accepted');
}

/** Each problem as `line:column field: message`. */
function problems(text: string): string[] {
  return refusal(text).problems.map(
    ({ position, field, message }) => `${position.line}:${position.column} ${field}: ${message}`,
  );
}

const good = `connections:
  corp:
    type: ldap
    url: ldap://\${HOST}:3890
    bindDn: cn=admin,dc=example,dc=com
    password: \${CORP_PASSWORD}
    baseDn: dc=example,dc=com
  replica:
    type: ldap
    url: ldap://127.0.0.1:3891
    password: { file: password }
    baseDn: dc=replica,dc=org
syncs:
  10-in:
    connection: corp
    direction: ingress
    match: [mail, username]
    guard: { user: { count: 100, percent: 10, floor: 5 }, membership: { percent: 20 } }
    schedule: { cron: "0 45 1 * * ?", timeZone: "Europe/Berlin" }
    map: { user: { email: { cel: "lower(source.mail)" }, title: null } }
  2:
    connection: replica
    direction: egress
    onMissing: delete
`;

describe('a configuration', () => {
  it('keeps secrets apart from settings, and fills in defaults', () => {
    const { connections, precedence } = parse(good);
    expect(connections.map(({ name, type }) => [name, type])).toEqual([
      ['corp', 'ldap'],
      ['replica', 'ldap'],
    ]);
    expect(connections[0]?.settings).toMatchObject({ url: 'ldap://ldap.example.com:3890', pageSize: 1000 });
    expect(connections.map(({ secrets }) => secrets)).toEqual([
      { password: 'geheim' },
      { password: 'from the file' },
    ]);
    expect(JSON.stringify(connections.map(({ settings }) => settings))).not.toMatch(
      /geheim|from the file|password/,
    );
    expect(precedence).toEqual({});
  });

  it('keeps the order of the file, also for names that look like numbers', () => {
    const { syncs } = parse(good);
    expect(syncs.map((sync) => sync.name)).toEqual(['10-in', '2']);
    expect(syncs[1]?.settings).toEqual({
      connection: 'replica',
      continuous: false,
      direction: 'egress',
      onMissing: 'delete',
      enabled: true,
    });
  });

  it('is loaded from a file, whose directory paths start from', async () => {
    const file = join(directory, 'lockstep.yaml');
    await writeFile(file, good);
    expect(await loadConfiguration(file, environment)).toMatchObject({ file, baseDirectory: directory });
    await expect(loadConfiguration(join(directory, 'absent.yaml'), {})).rejects.toThrow(
      /absent\.yaml.*ENOENT/,
    );
  });

  it('is refused where it is not UTF-8, at the first letter that is not', async () => {
    const file = join(directory, 'latin1.yaml');
    await writeFile(file, Buffer.from(good.replace('cn=admin', 'cn=bür'), 'latin1'));
    await expect(loadConfiguration(file, environment)).rejects.toMatchObject({
      code: 'InvalidConfiguration',
      position: { file, line: 5, column: 17 },
    });
  });

  it('names a connection once that stands there twice', () => {
    const f = 'f: { type: file, path: x.csv }';
    const text = `connections: { ${f}, ${f} }\nsyncs: { a: { connection: other, direction: ingress } }\n`;
    expect(refusal(text).problems.map(({ remedy }) => remedy)).toContain('There are f.');
  });

  it('may use aliases', () => {
    const text =
      'connections: { f: { type: file, path: x.csv } }\nsyncs:\n  a: &a { connection: f, direction: ingress }\n  b: *a\n';
    expect(parse(text).syncs[1]).toEqual({ ...parse(text).syncs[0], name: 'b' });
  });
});

const path = (written: string): unknown =>
  parse(`connections: { f: { type: file, format: csv, path: ${written} } }`).connections[0]?.settings['path'];

describe('variables', () => {
  it('are put in once, and escaped by a second dollar', () => {
    expect(path('"a/${HOST}/${HOST}.ldif"')).toBe('a/ldap.example.com/ldap.example.com.ldif');
    expect(path('"$${HOST} $HOST $$ {HOST}"')).toBe('${HOST} $HOST $$ {HOST}');
    expect(path('"a${EMPTY}b"')).toBe('ab');
  });

  it('that are not set are named with their place', () => {
    const error = refusal('connections:\n  f:\n    type: file\n    path: "${HOST}/${NOPE}"\n');
    expect(error.code).toBe('SecretNotFound');
    expect(error.message).toMatch(
      /^lockstep\.yaml:4:20: connections\.f\.path: the environment variable NOPE is not set/,
    );
    expect(error).toMatchObject({ position: { line: 4, column: 20 }, field: 'connections.f.path' });
    expect(problems('connections: { f: { type: file, path: "${A B}${" } }')).toHaveLength(2);
  });

  it('put in whatever text there is, without a second look', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), (value) => {
        const text = 'connections: { f: { type: file, format: csv, path: "${ANY}" } }';
        const loaded = parseConfiguration(text, {
          file: 'x',
          baseDirectory: '.',
          environment: { ANY: value },
        });
        expect(loaded.connections[0]?.settings['path']).toBe(value);
      }),
    );
  });
});

describe('what is refused', () => {
  it('is reported all together, in the order of the file, each with a remedy', () => {
    const error = refusal(`connections:
  corp:
    type: ldap
    ulr: ldap://127.0.0.1
    baseDn: dc=x
    password: \${NOPE}
    pageSize: many
syncs:
  a:
    connection: crop
    direction: in
    onMising: delete
    schedule: { cron: "0 45 1 15 * MON" }
    map:
      user:
        name:
          cel: |
            source.a[0] +
              foo(1)
        mail: { cel: 'source.b[0] + 1' }
        Mail: null
`);
    expect(error.code).toBe('InvalidConfiguration');
    expect(
      error.problems.map(
        ({ position, field, code }) => `${position.line}:${position.column} ${field} ${code}`,
      ),
    ).toEqual([
      '2:3 connections.corp.url InvalidConfiguration',
      '4:5 connections.corp.ulr InvalidConfiguration',
      '6:15 connections.corp.password SecretNotFound',
      '7:15 connections.corp.pageSize InvalidConfiguration',
      '10:17 syncs.a.connection InvalidConfiguration',
      '11:16 syncs.a.direction InvalidConfiguration',
      '12:5 syncs.a.onMising InvalidConfiguration',
      '13:36 syncs.a.schedule.cron InvalidSchedule',
      '19:15 syncs.a.map.user.name.cel InvalidExpression',
      '20:23 syncs.a.map.user.mail.cel InvalidExpression',
      '21:9 syncs.a.map.user.Mail InvalidConfiguration',
    ]);
    expect(error.problems.every(({ remedy }) => remedy.length > 5)).toBe(true);
    expect(error.message).toMatch(
      /^11 problems:\nlockstep\.yaml:2:3: connections\.corp\.url: the field `url` is missing/,
    );
    expect(error.message).toContain('Did you mean `url`?');
    expect(error.message).toContain('Did you mean `corp`?');
    expect(error.message).toContain('Did you mean `onMissing`?');
  });

  it.each<[string, string]>([
    ['a: [\nb: 2\n', '2:1 : not valid YAML'],
    ['', '1:1 : this is nothing; expected is fields connections, syncs'],
    ['- 1\n', '1:1 : this is a list; expected is fields'],
    ['connections:\n', '1:13 connections: this is nothing; expected is a group of fields'],
    ['connections: {}\nconnections: {}\n', '2:1 connections: the field `connections` stands twice'],
    ['conections: {}\n', '1:1 conections: unknown field `conections`'],
    ['connections: { x: {} }', '1:16 connections.x.type: the field `type` is missing'],
    ['connections: { x: { type: ldp } }', '1:27 connections.x.type: "ldp" is no type of connection'],
    [
      'connections: { x: { type: file, path: 3 } }',
      '1:39 connections.x.path: this is a number; expected is a text',
    ],
    ['connections: { x: { type: file, path: "" } }', '1:39 connections.x.path: this must not be empty'],
    [
      'connections: { x: }',
      '1:19 connections.x: this is nothing; expected is a group of fields with a `type`',
    ],
    [
      'connections: { x: 5 }',
      '1:19 connections.x: this is a number; expected is a group of fields with a `type`',
    ],
    ['connections: { "a b": { type: file, path: x.csv } }', '1:16 connections["a b"]: a name has letters'],
    [
      'connections: { x: { type: ldap, url: "http://x", baseDn: dc=y } }',
      '1:38 connections.x.url: must begin with ldap://',
    ],
    [
      'connections: { x: { type: ldap, url: "ldap://:389", baseDn: dc=y } }',
      '1:38 connections.x.url: "ldap://:389" names no host',
    ],
    [
      'connections: { x: { type: ldap, url: "ldap://x", baseDn: dc=y, pageSize: 0 } }',
      '1:74 connections.x.pageSize: this must be at least 1',
    ],
    [
      'connections: { x: { type: ldap, url: "ldap://x", baseDn: dc=y, password: { file: gone } } }',
      "1:74 connections.x.password: the secret's file cannot be read (ENOENT)",
    ],
    [
      'connections: { x: { type: ldap, url: "ldap://x", baseDn: dc=y, password: { file: empty } } }',
      '1:74 connections.x.password: empty is empty',
    ],
    [
      'connections: { x: { type: ldap, url: "ldap://x", baseDn: dc=y, password: { file: latin1 } } }',
      '1:74 connections.x.password: latin1 is not UTF-8',
    ],
    [
      String.raw`connections: { x: { type: ldap, url: "ldap://x", baseDn: "o=\0" } }`,
      '1:58 connections.x.baseDn: this contains U+0000',
    ],
    [
      String.raw`connections: { x: { type: file, path: "\ud800.csv" } }`,
      '1:39 connections.x.path: this contains U+0000',
    ],
    [
      'connections: { __proto__: { type: file, path: x.csv } }',
      '1:16 connections: this is not the name of a field',
    ],
    ['precedence: { mail: [x] }', '1:22 precedence.mail[0]: there is no sync `x`'],
    ['connections: *x', '1:14 connections: there is no anchor &x'],
    ['connections: &x { a: *x }', '1:22 connections.a: an alias of what contains it'],
    [
      'connections: { a: &x { type: file, path: x.csv }, b: { type: file, path: y.csv, <<: *x } }',
      '1:81 connections.b["<<"]: fields of another value are not merged',
    ],
    ['connections: {}\n---\nsyncs: {}\n', '2:1 : not valid YAML: a second document begins here'],
  ])('%s', (text, problem) => {
    expect(problems(text)[0]).toContain(problem);
  });

  it.each<[string, string]>([
    ['schedule: { cron: "30 2 * * *" }', 'schedule.cron: cron, whole field, column 1: there are 5 fields'],
    ['schedule: { cron: 5 }', 'schedule.cron: this is a number; expected is a text'],
    ['schedule: { cron: "0 0 1 * * ?", hours: [1] }', 'schedule.hours: the field `hours` does not go with'],
    [
      'map: { user: { x: { cel: "1", value: "1" } } }',
      'map.user.x.value: the field `value` does not go with',
    ],
    [
      'guard: { user: { percent: .nan } }',
      'guard.user.percent: this is no finite number; expected is a number',
    ],
    ['schedule: { hours: [24] }', 'schedule.hours[0]: this must be at most 23'],
    ['schedule: { hours: [3], timeZone: Mars }', 'schedule.timeZone: time zone "Mars" is not known'],
    [
      'schedule: nightly',
      'schedule: this is a text; expected is fields cron, timeZone, or fields hours, timeZone',
    ],
    ['match: [1]', 'match[0]: this is a number'],
    ['match: { usr: [mail] }', 'match.usr: unknown field `usr`'],
    ['scopes: []', 'scopes: at least 1 entry is needed'],
    ['scopes: [{ source: x }]', 'scopes[0].target: the field `target` is missing'],
    ['guard: { user: { floor: 3 } }', 'guard.user.floor: a floor softens a percentage'],
    ['guard: { user: { percent: 101 } }', 'guard.user.percent: this must be at most 100'],
    ['map: { user: { x: { cle: "y" } } }', 'map.user.x.cle: unknown field `cle`'],
    ['map: { user: { x: 5 } }', 'map.user.x: this is a number; expected is a text, or a list, or fields cel'],
    ['kinds: [person]', 'kinds[0]: "person" is none of'],
    ['enabled: "no"', 'enabled: this is a text; expected is true or false'],
  ])('in a sync: %s', (field, problem) => {
    const text = `connections: { f: { type: file, path: x.csv } }\nsyncs:\n  a:\n    connection: f\n    direction: ingress\n    ${field}\n`;
    expect(problems(text)).toHaveLength(1);
    expect(problems(text)[0]).toMatch(/^6:/);
    expect(problems(text)[0]).toContain(`syncs.a.${problem}`);
  });

  it.each<[string, string, string]>([
    ['token: ${HOST}', '2:56 : not valid YAML', "Between { } and [ ] a variable needs quotes: '${NAME}'."],
    ['token: *', '2:', 'Correct the YAML; a text with special characters belongs in quotes.'],
  ])('is one fault of syntax, however much follows from it: %s', (field, place, remedy) => {
    const text = `connections:\n  a: { type: scim, url: "https://app.example", ${field}, groups: true }\n  b: { type: scim_server }\n`;
    expect(problems(text)).toEqual([expect.stringContaining(place)]);
    expect(refusal(text).remedy).toBe(remedy);
  });

  it('of indentation by tabs is told by its remedy', () => {
    expect(refusal('connections:\n\ta: { type: scim_server }\n').remedy).toBe('Indent with blanks.');
  });

  const application = 'type: entra_id, tenantId: t, clientId: c';
  it.each<[string, string]>([
    [application, 'clientSecret: the application has no credential'],
    [
      `${application}, clientSecret: s, certificate: { file: x }`,
      'certificate: the application has two credentials, clientSecret and this',
    ],
    [
      `${application}, clientSecret: s, graphUrl: "https://graph.example/v1.0"`,
      'graphUrl: this names a version of the API',
    ],
    [
      'type: scim, url: "https://x", token: t, oauth: { tokenUrl: "https://y", clientId: c }',
      'oauth: there is a token as well',
    ],
    [
      'type: event_callback, url: "https://x", encryptKey: secret',
      'encryptKey: this is not 64 hexadecimal digits',
    ],
    ['type: event_callback, url: "https://x", encrypt: true', 'encryptKey: events shall be encrypted'],
    ['type: event_callback, url: "https://me:secret@x/hook"', 'url: this names an account before the host'],
    ['type: scim, url: "https://me:secret@x/scim"', 'url: this names an account before the host'],
    [
      'type: scim, url: "https://x", oauth: { tokenUrl: "https://me:secret@y", clientId: c }',
      'oauth.tokenUrl: this names an account before the host',
    ],
    [
      `${application}, clientSecret: s, authorityUrl: "https://me:secret@y"`,
      'authorityUrl: this names an account before the host',
    ],
    [
      'type: ldap, baseDn: dc=x, url: "ldap://me:secret@x"',
      'url: an LDAP URL names no account before the host',
    ],
  ])('in a connection: %s', (settings, problem) => {
    const found = problems(`connections: { x: { ${settings} } }`);
    expect(found).toEqual([expect.stringContaining(`connections.x.${problem}`)]);
    expect(found[0]).not.toContain('secret');
  });

  it.each<[string, string]>([
    ['connection: push, direction: egress', 'direction: a connection of type scim_server has no egress'],
    ['connection: shop, direction: ingress', 'direction: a connection of type event_callback has no ingress'],
    ['connection: push, direction: ingress, continuous: true', 'continuous: only an egress follows'],
    [
      'connection: push, direction: ingress, actions: { user: [create] }',
      'actions: only what an egress does',
    ],
    ['connection: push, direction: ingress, passwords: true', 'passwords: only an egress writes passwords'],
    ['connection: shop, direction: egress, passwords: true', 'passwords: no passwords are written to'],
  ])('as against its direction: %s', (sync, problem) => {
    const text = `connections: { push: { type: scim_server }, shop: { type: event_callback, url: "https://x" } }\nsyncs: { a: { ${sync} } }`;
    expect(problems(text)).toEqual([expect.stringContaining(`syncs.a.${problem}`)]);
  });

  it('is never anything but a LockstepError', () => {
    const words = fc.constantFrom(
      'connections',
      'syncs',
      ':',
      ' ',
      '\n',
      '  ',
      '- ',
      '{',
      '}',
      '[',
      ']',
      '"',
      "'",
      '&a',
      '*a',
      '${',
      '}',
      'type',
      'ldap',
      'map',
      '|',
      '>',
      '#',
      '!x',
      '1',
      '~',
      '\t',
      '? ',
      '%',
      '@',
      '<<',
    );
    fc.assert(
      fc.property(fc.array(words, { maxLength: 30 }), (parts) => {
        try {
          parse(parts.join(''));
        } catch (error) {
          expect(error).toBeInstanceOf(LockstepError);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('includes a file whose aliases unfold to too much', () => {
    const levels = Array.from(
      { length: 9 },
      (_, index) =>
        `a${index}: &a${index} [${Array(10)
          .fill(index === 0 ? '1' : `*a${index - 1}`)
          .join(', ')}]`,
    );
    expect(problems(`${levels.join('\n')}\n`)[0]).toContain('too many values');
  });
});
