import { Client as OtherClient } from 'ldapts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseLdifDump, type DumpedEntry } from '../../../../../../test/servers/ldifDump.ts';
import { startSlapd, type Slapd } from '../../../../../../test/servers/slapd.ts';
import { connectLdap, type LdapClient } from './client.ts';

const people = 20_000;
const suffix = 'dc=example,dc=com';
const odd = [
  'Plain Name',
  'Comma\\, Inc.',
  'Plus\\+Quote\\"Less\\<Greater\\>Semi\\;',
  'Back\\\\slash',
  '\\ leading blank',
  '\\#hash',
  'Ünïcödé Straße',
  '日本語 名前',
  'emoji 😀 family 👨‍👩‍👧',
  'a=b',
];

let slapd: Slapd;
let client: LdapClient;

beforeAll(async () => {
  slapd = await startSlapd({ dbnosync: true, ldif: directoryLdif() });
  const bind = { method: 'simple', dn: slapd.adminDn, password: slapd.password } as const;
  client = await connectLdap({ url: slapd.url, bind });
});

afterAll(async () => {
  await client?.unbind();
  await slapd?.stop();
});

function line(name: string, value: string | Buffer): string {
  return `${name}:: ${Buffer.from(value).toString('base64')}\n`;
}

/** A directory in which every kind of value occurs that tends to be read wrongly. Deterministic. */
function directoryLdif(): string {
  const parts = [
    `dn: ${suffix}\nobjectClass: dcObject\nobjectClass: organization\no: Example\ndc: example\n`,
    `dn: ou=People,${suffix}\nobjectClass: organizationalUnit\nou: People\n`,
  ];
  for (let index = 0; index < people; index += 1) parts.push(person(index));
  const members = Array.from({ length: 5000 }, (_, index) =>
    `member: ${nameOf(index * 3).dn}\n`.replace('member: ', ''),
  );
  parts.push(
    `dn: cn=Large,${suffix}\nobjectClass: groupOfNames\ncn: Large\n${members.map((dn) => line('member', dn.trimEnd())).join('')}`,
  );
  return parts.join('\n');
}

function nameOf(index: number): { dn: string; cn: string } {
  if (index % 100 !== 0) return { dn: `uid=user${index},ou=People,${suffix}`, cn: `User ${index}` };
  const escaped = `${odd[(index / 100) % odd.length]!} ${index}`;
  const cn = escaped.replaceAll(/\\(.)/g, '$1');
  return { dn: `cn=${escaped},ou=People,${suffix}`, cn };
}

function person(index: number): string {
  const { dn, cn } = nameOf(index);
  const lines = [line('dn', dn), 'objectClass: inetOrgPerson\n', line('cn', cn), `uid: user${index}\n`];
  lines.push(
    line('sn', index % 7 === 0 ? `Müller${index}` : `Person${index}`),
    `mail: user${index}@example.com\n`,
  );
  lines.push(
    `employeeNumber: ${index}\n`,
    line('givenName', index % 11 === 0 ? ' blanks around ' : `Given ${index}`),
  );
  if (index % 5 === 0)
    lines.push(`mail: alias${index}@example.com\n`, line('description', 'x'.repeat(index % 4000)));
  if (index % 9 === 0) lines.push(line('cn;lang-de', `Name ${index}`), line('cn;lang-ja', `名前 ${index}`));
  if (index % 13 === 0)
    lines.push(line('jpegPhoto', Buffer.from([0xff, 0xd8, index & 255, index >> 8, 0, 1, 2])));
  if (index % 17 === 0) lines.push(line('userPassword', Buffer.from([index & 255, 0xc3, 0x28, 0x80])));
  if (index % 1000 === 0) lines.push(line('jpegPhoto', Buffer.alloc(100_000, index / 1000)));
  return lines.join('');
}

type Comparable = Map<string, Record<string, string[]>>;

/** By DN, attributes by name with their octets in base64, values in order. */
function comparable(
  entries: Iterable<{ dn: string; attributes: Iterable<[string, (string | Buffer)[]]> }>,
): Comparable {
  const found: Comparable = new Map();
  for (const { dn, attributes } of entries) {
    expect(found.has(dn)).toBe(false);
    const values = [...attributes].map(([name, list]) => [
      name,
      list.map((value) => Buffer.from(value as string).toString('base64')),
    ]);
    found.set(dn, Object.fromEntries(values) as Record<string, string[]>);
  }
  return found;
}

async function readAll(pageSize: number | undefined): Promise<Comparable> {
  const entries: { dn: string; attributes: Map<string, (string | Buffer)[]> }[] = [];
  const request = {
    base: suffix,
    scope: 'sub',
    filter: '(objectClass=*)',
    attributes: ['*', '+'],
    pageSize,
  } as const;
  for await (const batch of client.search(request).batches()) {
    for (const item of batch) if (item.type === 'entry') entries.push(item.entry.decode());
  }
  return comparable(entries);
}

function expectEqual(found: Comparable, wanted: Comparable): void {
  expect(found.size).toBe(people + 3);
  expect(wanted.size).toBe(people + 3);
  for (const [dn, attributes] of wanted) {
    // toEqual on 20,000 objects at once takes long; a text decides quickly and toEqual explains.
    const mine = found.get(dn);
    if (JSON.stringify(sorted(mine)) !== JSON.stringify(sorted(attributes)))
      expect({ dn, mine }).toEqual({ dn, mine: attributes });
  }
}

function sorted(attributes: Record<string, string[]> | undefined): unknown {
  return attributes && Object.entries(attributes).sort(([a], [b]) => (a < b ? -1 : 1));
}

test('every one of 20,000 entries is what ldapsearch prints, paged and unpaged', async () => {
  const printed = await slapd.tool('ldapsearch', [
    '-LLL',
    '-o',
    'ldif-wrap=no',
    '-b',
    suffix,
    '(objectClass=*)',
    '*',
    '+',
  ]);
  const wanted = comparable(
    parseLdifDump(printed).map((entry: DumpedEntry) => ({
      dn: entry.dn,
      attributes: Object.entries(entry.attributes),
    })),
  );
  expectEqual(await readAll(undefined), wanted);
  expectEqual(await readAll(777), wanted);
});

test('every one of 20,000 entries is what ldapts reads', async () => {
  const other = new OtherClient({ url: slapd.url });
  await other.bind(slapd.adminDn, slapd.password);
  const { searchEntries } = await other.search(suffix, {
    filter: '(objectClass=*)',
    attributes: ['*', '+'],
    paged: { pageSize: 1000 },
    explicitBufferAttributes: ['jpegPhoto', 'userPassword'],
  });
  await other.unbind();
  const wanted = comparable(
    searchEntries.map(({ dn, ...attributes }) => ({
      dn,
      attributes: Object.entries(attributes).map(([name, value]): [string, (string | Buffer)[]] => [
        name,
        [value].flat(),
      ]),
    })),
  );
  expectEqual(await readAll(1000), wanted);
});

test('the raw octets of an unchanged entry are the same each time, and differ once it changed', async () => {
  const read = async (): Promise<Map<string, string>> => {
    const seen = new Map<string, string>();
    for await (const item of client.search({
      base: suffix,
      scope: 'sub',
      filter: '(employeeNumber=10*)',
      attributes: ['*', 'entryUUID'],
    })) {
      if (item.type === 'entry') seen.set(item.entry.dn(), item.entry.bytes.toString('base64'));
    }
    return seen;
  };
  const before = await read();
  expect(before.size).toBeGreaterThan(1000);
  expect(await read()).toEqual(before);
  const { dn } = nameOf(1001);
  await client.modify(dn, [{ operation: 'replace', attribute: 'title', values: ['New'] }]);
  const after = await read();
  expect([...after].filter(([name, bytes]) => before.get(name) !== bytes).map(([name]) => name)).toEqual([
    dn,
  ]);
});
