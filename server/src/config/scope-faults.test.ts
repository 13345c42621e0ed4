import { describe, expect, test } from 'vitest';
import { LockstepError } from '../kernel/errors.ts';
import { parseConfiguration } from './load.ts';

/** Each problem as `line:column field: message`, with the remedy where it is asked for. */
function problems(text: string, remedies = false): string[] {
  try {
    parseConfiguration(text, { file: 'lockstep.yaml', baseDirectory: '/', environment: {} });
  } catch (error) {
    if (!(error instanceof LockstepError)) throw error;
    return error.problems.map(({ position, field, message, remedy }) => {
      const place = `${position.line}:${position.column} ${field}: ${message}`;
      return remedies ? `${place}. ${remedy}` : place;
    });
  }
  return [];
}

const connections = `connections:
  corp: { type: ldap, url: "ldap://x", baseDn: "dc=example,dc=com" }
  list: { type: file, path: list.csv }
  dump: { type: file, path: dump.ldif, baseDn: "dc=example,dc=com" }
`;

function sync(connection: string, direction: string, ...scopes: string[]): string {
  const list = scopes.map((scope) => `      - { ${scope} }\n`).join('');
  return `${connections}syncs:\n  s:\n    connection: ${connection}\n    direction: ${direction}\n    scopes:\n${list}`;
}

describe('connections', () => {
  test('names that are no DNs, with the place inside them', () => {
    const text = `connections:
  corp:
    type: ldap
    url: ldap://x:0
    bindDn: cn=admin,example
    baseDn: "dc=example,,dc=com"
    group: { placeholderMember: nobody }
  dump:
    type: file
    path: dump.ldif
    baseDn: example
  list: { type: file, path: list.txt }
`;
    expect(problems(text)).toEqual([
      '4:10 connections.corp.url: "ldap://x:0" is no LDAP URL',
      expect.stringMatching(/^5:2\d connections\.corp\.bindDn: "cn=admin,example", character \d+: /),
      expect.stringMatching(/^6:25 connections\.corp\.baseDn: "dc=example,,dc=com", character 12: /),
      expect.stringMatching(/^7:\d+ connections\.corp\.group\.placeholderMember: /),
      expect.stringMatching(/^11:\d+ connections\.dump\.baseDn: /),
      expect.stringMatching(/^12:\d+ connections\.list\.path: .* does not tell its format/),
    ]);
  });

  test.each(['ldap://x/dc=example', 'ldap://x/?mail', 'ldapi:///run/slapd/ldapi'])(
    'one that names more than a server: %s',
    (url) => {
      const text = `connections: { corp: { type: ldap, url: "${url}", baseDn: "" } }`;
      expect(problems(text)).toEqual([`1:41 connections.corp.url: "${url}" names more than a server`]);
    },
  );

  test.each(['ldap://x/', 'ldaps://x:636', 'ldapi://', 'ldapi://%2Frun%2Fslapd%2Fldapi'])(
    'one that names a server: %s',
    (url) => {
      expect(problems(`connections: { corp: { type: ldap, url: "${url}", baseDn: "" } }`)).toEqual([]);
    },
  );

  test.each([
    'type: ldap, url: "ldap://x", baseDn: ""',
    'type: entra_id, tenantId: t, clientId: c, clientSecret: s',
    'type: scim, url: "https://x"',
    'type: event_callback, url: "https://x"',
  ])('a timeout beyond what a timer can count is refused: %s', (settings) => {
    const text = (seconds: number): string =>
      `connections: { c: { timeoutSeconds: ${seconds}, ${settings} } }`;
    expect(problems(text(1_000_001))).toEqual([
      '1:37 connections.c.timeoutSeconds: this must be at most 1000000',
    ]);
    expect(problems(text(1_000_000))).toEqual([]);
  });

  test.each(['cn=admin,dc=example', 'admin@example.com', String.raw`EXAMPLE\admin`, ''])(
    'one binds as %j',
    (name) => {
      const text = `connections: { corp: { type: ldap, url: "ldap://x", baseDn: "", bindDn: '${name}' } }`;
      expect(problems(text)).toEqual([]);
    },
  );
});

describe('scopes', () => {
  test('what is right passes', () => {
    const people = 'source: "OU=People, DC=example,DC=com", target: /people, filter: "(mail=*)"';
    const groups = 'source: "ou=Groups,dc=example,dc=com", target: /';
    expect(problems(sync('corp', 'ingress', people, groups))).toEqual([]);
    const out = 'source: /people, target: "ou=People,dc=example,dc=com", filter: "source.title[0] == \'x\'"';
    expect(problems(sync('dump', 'egress', out))).toEqual([]);
    expect(problems(sync('list', 'ingress', 'source: "42", target: /', 'source: "43", target: /'))).toEqual(
      [],
    );
  });

  test('all faults at once, each where it stands', () => {
    const text = sync(
      'corp',
      'ingress',
      'source: "ou=People", target: /',
      'source: "ou=People,dc=example", target: people',
      'source: "ou", target: /x/, filter: "(&(mail=*)"',
    );
    expect(problems(text)).toEqual([
      '10:19 syncs.s.scopes[0].source: "ou=People" does not lie under the connection\'s baseDn, "dc=example,dc=com"',
      '11:19 syncs.s.scopes[1].source: "ou=People,dc=example" does not lie under the connection\'s baseDn, "dc=example,dc=com"',
      '11:51 syncs.s.scopes[1].target: "people" is not a path of the directory',
      expect.stringMatching(/^12:2\d syncs\.s\.scopes\[2\]\.source: "ou", character/),
      '12:33 syncs.s.scopes[2].target: "/x/" is not a path of the directory',
      expect.stringMatching(/^12:5\d syncs\.s\.scopes\[2\]\.filter: filter, character 11: /),
    ]);
    expect(problems(text, true).every((problem) => /\. [A-Z].*\.$/.test(problem))).toBe(true);
  });

  test.each([
    ['corp', 'ingress', 'source', 'ou=People,dc=example,dc=com', 'OU=x, ou=people, dc=example,dc=com'],
    ['corp', 'egress', 'target', 'ou=People,dc=example,dc=com', 'ou=x,ou=people,dc=example,dc=com'],
    ['corp', 'ingress', 'source', 'ou=People,dc=example,dc=com', 'ou=People,dc=example,dc=com'],
    ['dump', 'ingress', 'source', 'dc=example,dc=com', 'ou=People,dc=example,dc=com'],
    ['list', 'ingress', 'source', '', '42'],
    ['corp', 'egress', 'source', '/a', '/A/b'],
  ])('%s %s: a %s that contains another', (connection, direction, side, outer, inner) => {
    const scope = (own: string, index: number): string => {
      const other = side === 'source' ? 'target' : 'source';
      const apart =
        direction === 'egress' && side === 'source' ? `ou=${index},dc=example,dc=com` : `/${index}`;
      return `${side}: "${own}", ${other}: "${apart}"`;
    };
    const overlap = `scopes[1].${side}: ${side} ${JSON.stringify(outer)} contains ${JSON.stringify(inner)}`;
    expect(problems(sync(connection, direction, scope(outer, 0), scope(inner, 1)))).toEqual([
      expect.stringContaining(overlap),
    ]);
    if (outer === inner) return;
    expect(problems(sync(connection, direction, scope(inner, 0), scope(outer, 1)))).toEqual([
      expect.stringContaining(overlap.replace('[1]', '[0]')),
    ]);
  });

  test('several sources of an egress may go to one target, also one that lies in another', () => {
    const target = 'target: "ou=People,dc=example,dc=com"';
    const text = (more: string): string =>
      sync('corp', 'egress', `source: /a, ${target}`, `source: /b, ${target}`, `source: /a/c, ${more}`);
    expect(problems(text('target: "OU=people, dc=example,dc=com"'))).toEqual([]);
    expect(problems(text(`${target}, filter: "true"`))).toEqual([
      expect.stringContaining('source "/a" contains "/a/c", and they have different filters'),
    ]);
    expect(problems(text('target: "ou=c,dc=example,dc=com"'))).toEqual([
      expect.stringContaining('source "/a" contains "/a/c", and they have different targets'),
    ]);
  });

  test('a name that begins alike is no place within', () => {
    const scopes = ['/a', '/ab'].map(
      (path, index) => `source: ${path}, target: "ou=${index},dc=example,dc=com"`,
    );
    expect(problems(sync('corp', 'egress', ...scopes))).toEqual([]);
  });

  test('a filter that the system, or the direction, does not take', () => {
    expect(problems(sync('list', 'ingress', 'source: "", target: /, filter: "(a=b)"'))).toEqual([
      expect.stringContaining('scopes[0].filter: a scope of a file takes no filter'),
    ]);
    const out = 'source: /, target: "dc=example,dc=com", filter: "(mail=*)"';
    expect(problems(sync('corp', 'egress', out))).toEqual([expect.stringContaining('scopes[0].filter: ')]);
  });
});

test('a wrong time zone hides no wrong expression', () => {
  const schedule = '    schedule: { cron: "0 99 1 * * ?", timeZone: Europe/Berln }\n';
  const text = `${sync('corp', 'ingress', 'source: "dc=example,dc=com", target: /')}${schedule}`;
  expect(problems(text)).toEqual([
    expect.stringMatching(/^11:\d+ syncs\.s\.schedule\.cron: /),
    expect.stringMatching(/^11:\d+ syncs\.s\.schedule\.timeZone: /),
  ]);
});
