import { Client as OtherClient } from 'ldapts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseLdifDump } from '../../../../../../test/servers/ldifDump.ts';
import { startSlapd, type Slapd } from '../../../../../../test/servers/slapd.ts';
import type { DecodedEntry } from '../messages/entry.ts';
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
  const members = Array.from({ length: 5000 }, (_, index) => line('member', nameOf(index * 3).dn));
  parts.push(`dn: cn=Large,${suffix}\nobjectClass: groupOfNames\ncn: Large\n${members.join('')}`);
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
  // Values of one attribute stand together: slapadd -q would store a second attribute of the same name.
  if (index % 5 === 0) lines.push(`mail: alias${index}@example.com\n`);
  lines.push(
    `employeeNumber: ${index}\n`,
    line('givenName', index % 11 === 0 ? ' blanks around ' : `G ${index}`),
  );
  if (index % 5 === 0)
    lines.push(line('description', 'x'.repeat((index % (index % 200 === 0 ? 9000 : 300)) + 1)));
  if (index % 9 === 0) lines.push(line('cn;lang-de', `Name ${index}`), line('cn;lang-ja', `名前 ${index}`));
  const photo = Buffer.from([0xff, 0xd8, index & 255, index >> 8, 0, 1, 2]);
  if (index % 13 === 0) lines.push(line('jpegPhoto', photo));
  if (index % 1000 === 0) lines.push(line('jpegPhoto', Buffer.alloc(100_000, index / 1000)));
  if (index % 17 === 0) lines.push(line('userPassword', Buffer.from([index & 255, 0xc3, 0x28, 0x80])));
  return lines.join('');
}

type Value = string | Buffer;
type Attributes = ReadonlyMap<string, readonly Value[]>;
type Comparable = Map<string, Attributes>;

function byDn(entries: readonly { readonly dn: string; readonly attributes: Attributes }[]): Comparable {
  const found = new Map(entries.map(({ dn, attributes }) => [dn, attributes]));
  expect([found.size, entries.length]).toEqual([people + 3, people + 3]);
  return found;
}

async function readAll(pageSize: number | undefined): Promise<Comparable> {
  const entries: DecodedEntry[] = [];
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
  return byDn(entries);
}

/** Compares by hand, since the assertion library takes a second for each thousand entries; it explains a difference. */
function expectEqual(found: Comparable, wanted: Comparable): void {
  for (const [dn, attributes] of wanted) {
    const mine = found.get(dn);
    const same =
      mine?.size === attributes.size &&
      [...attributes].every(([name, values]) => sameList(mine.get(name), values));
    if (!same) expect({ dn, attributes: mine }).toEqual({ dn, attributes });
  }
}

function sameList(left: readonly Value[] | undefined, right: readonly Value[]): boolean {
  return left?.length === right.length && right.every((value, index) => sameValue(left[index]!, value));
}

function sameValue(left: Value, right: Value): boolean {
  return typeof left === 'string' && typeof right === 'string'
    ? left === right
    : Buffer.from(left as string).equals(Buffer.from(right as string));
}

test(
  'every one of 20,000 entries is what ldapsearch prints, paged and unpaged',
  { timeout: 180_000 },
  async () => {
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
    const wanted = byDn(
      parseLdifDump(printed).map(({ dn, attributes }) => ({
        dn,
        attributes: new Map(Object.entries(attributes)),
      })),
    );
    expectEqual(await readAll(undefined), wanted);
    expectEqual(await readAll(777), wanted);
  },
);

test('every one of 20,000 entries is what ldapts reads', { timeout: 180_000 }, async () => {
  const other = new OtherClient({ url: slapd.url });
  await other.bind(slapd.adminDn, slapd.password);
  const { searchEntries } = await other.search(suffix, {
    filter: '(objectClass=*)',
    attributes: ['*', '+'],
    paged: { pageSize: 1000 },
    explicitBufferAttributes: ['jpegPhoto', 'userPassword'],
  });
  await other.unbind();
  const wanted = byDn(
    searchEntries.map(({ dn, ...attributes }) => ({ dn, attributes: withoutSelectors(attributes) })),
  );
  expectEqual(await readAll(1000), wanted);
});

/** The other client adds what was asked for and not found, `*` and `+` among it, with empty lists. */
function withoutSelectors(attributes: Record<string, Value | Value[]>): Attributes {
  const lists = Object.entries(attributes).map(([name, value]) => [name, [value].flat()] as const);
  return new Map(lists.filter(([, values]) => values.length > 0));
}

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
