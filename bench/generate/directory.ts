import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { parseArgs } from 'node:util';
import { renderAttributeLine } from '../../server/src/connectors/file/ldif/render.ts';
import { randomFor } from './random.ts';

export interface DirectoryOptions {
  readonly users: number;
  /** One for 50 users when left out. */
  readonly groups?: number;
  readonly seed?: number;
  /** So many percent of the users differ from those of the same directory without this: title, telephone, mobile. */
  readonly changePercent?: number;
  readonly baseDn?: string;
}

const givenNames = [
  'Ada',
  'Amir',
  'Beatriz',
  'Chen',
  'Dmitri',
  'Elif',
  'Fatou',
  'Grace',
  'Hiro',
  'Ingrid',
  'João',
  'Katarzyna',
  'Liam',
  'Mei',
  'Noor',
  'Olga',
  'Priya',
  'Quentin',
  'Rosa',
  'Søren',
  'Tariq',
  'Uma',
  'Viktor',
  'Wanjiru',
  'Ximena',
  'Yusuf',
  'Zoë',
];
const familyNames = [
  'Abe',
  'Bauer',
  'Costa',
  'Dubois',
  'Eriksson',
  'Ferrari',
  'García',
  'Haddad',
  'Ivanov',
  'Jansen',
  'Kowalski',
  'Lindqvist',
  'Müller',
  'Nguyen',
  'Okafor',
  'Patel',
  'Quispe',
  'Rossi',
  'Smith',
  'Tanaka',
  'Usman',
  'Vasquez',
  'Wang',
  'Xu',
  'Yılmaz',
  'Zhang',
];
const titles = [
  'Engineer',
  'Senior Engineer',
  'Accountant',
  'Analyst',
  'Designer',
  'Manager',
  'Technician',
  'Consultant',
  'Assistant',
];
const towns = ['Berlin', 'Lyon', 'Porto', 'Osaka', 'Nairobi', 'Austin', 'Pune', 'Gdansk', 'Lima'];
const sentence =
  'Works on whatever the department needs most and answers questions about it during office hours. ';
const piece = 128 * 1024;

type Lines = readonly (readonly [name: string, value: string])[];

function render(lines: Lines): string {
  return `\n${lines.map(([name, value]) => renderAttributeLine(name, value)).join('')}`;
}

interface Shape extends Required<DirectoryOptions> {
  readonly departments: number;
}

function shapeOf(options: DirectoryOptions): Shape {
  const {
    users,
    groups = Math.ceil(users / 50),
    seed = 1,
    changePercent = 0,
    baseDn = 'dc=example,dc=com',
  } = options;
  return {
    users,
    groups,
    seed,
    changePercent,
    baseDn,
    departments: Math.max(1, Math.min(500, Math.ceil(users / 500))),
  };
}

/** Digits that look like a number, different for every index. */
function digits(index: number, length: number): string {
  return String((Math.imul(index, 2_654_435_761) >>> 0) % 10 ** length).padStart(length, '0');
}

function departmentOf(shape: Shape, user: number): number {
  return user % shape.departments;
}

function userDn(shape: Shape, user: number): string {
  return `uid=user${user},ou=Department ${departmentOf(shape, user)},ou=People,${shape.baseDn}`;
}

/** About 1 kB with 22 attributes of inetOrgPerson (RFC 2798); names in several scripts' spellings. */
function userLines(shape: Shape, user: number): Lines {
  const random = randomFor(shape.seed, 0, user);
  const givenName = random.pick(givenNames);
  const familyName = random.pick(familyNames);
  const title = random.pick(titles);
  const changed = random.next() * 100 < shape.changePercent;
  const phone = digits(user + (changed ? 7_777_777 : 0), 8);
  return [
    ['dn', userDn(shape, user)],
    ['objectClass', 'top'],
    ['objectClass', 'person'],
    ['objectClass', 'organizationalPerson'],
    ['objectClass', 'inetOrgPerson'],
    ['uid', `user${user}`],
    ['cn', `${givenName} ${familyName}`],
    ['sn', familyName],
    ['givenName', givenName],
    ['displayName', `${givenName} ${familyName} (${user})`],
    ['initials', `${givenName[0]}${familyName[0]}`],
    ['mail', `user${user}@example.com`],
    ['mail', `${digits(user, 9)}.${user}@mail.example.com`],
    ['telephoneNumber', `+1 555 ${phone}`],
    ['mobile', `+1 666 ${phone}`],
    ['employeeNumber', String(100_000 + user)],
    ['employeeType', random.next() < 0.9 ? 'employee' : 'contractor'],
    ['departmentNumber', String(departmentOf(shape, user))],
    ['title', changed ? `Principal ${title}` : title],
    ['description', sentence.repeat(2 + random.below(3)).trim()],
    ['l', random.pick(towns)],
    ['street', `${1 + random.below(200)} Station Road`],
    ['postalCode', digits(user, 5)],
    ['roomNumber', String(random.below(900))],
    ['preferredLanguage', random.pick(['en', 'de', 'fr', 'ja', 'pt-BR'])],
    ['o', 'Example Corporation'],
  ];
}

/** Mostly small, a few of hundreds; the first holds a tenth of all, the second names two other groups. */
function* groupText(shape: Shape, group: number): Generator<string, void> {
  const random = randomFor(shape.seed, 1, group);
  const name = (index: number): string => `cn=group${index},ou=Groups,${shape.baseDn}`;
  yield render([
    ['dn', name(group)],
    ['objectClass', 'top'],
    ['objectClass', 'groupOfNames'],
    ['cn', `group${group}`],
    ['description', `Group number ${group}`],
  ]);
  const wanted = group === 0 ? Math.ceil(shape.users / 10) : 1 + Math.floor(300 * random.next() ** 4);
  const size = Math.min(wanted, shape.users);
  // A stride that is prime to the number of users meets nobody twice.
  const start = random.below(shape.users);
  const stride = primeTo(shape.users, 1 + random.below(9973));
  for (let index = 0; index < size; index++) {
    yield renderAttributeLine('member', userDn(shape, (start + index * stride) % shape.users));
  }
  if (group !== 1) return;
  for (const nested of [2, 3].filter((index) => index < shape.groups))
    yield renderAttributeLine('member', name(nested));
}

function primeTo(count: number, candidate: number): number {
  let stride = candidate;
  while (greatestCommonDivisor(stride, count) !== 1) stride++;
  return stride;
}

function greatestCommonDivisor(left: number, right: number): number {
  return right === 0 ? left : greatestCommonDivisor(right, left % right);
}

function* entries(shape: Shape): Generator<string, void> {
  const { baseDn } = shape;
  yield render([
    ['dn', baseDn],
    ['objectClass', 'top'],
    ['objectClass', 'dcObject'],
    ['objectClass', 'organization'],
    ['dc', /^dc=([^,]+)/.exec(baseDn)?.[1] ?? 'example'],
    ['o', 'Example Corporation'],
  ]);
  for (const name of ['People', 'Groups']) yield unitText(`ou=${name},${baseDn}`, name);
  for (let index = 0; index < shape.departments; index++) {
    yield unitText(`ou=Department ${index},ou=People,${baseDn}`, `Department ${index}`);
  }
  for (let user = 0; user < shape.users; user++) yield render(userLines(shape, user));
  for (let group = 0; group < shape.groups; group++) yield* groupText(shape, group);
}

function unitText(dn: string, name: string): string {
  return render([
    ['dn', dn],
    ['objectClass', 'top'],
    ['objectClass', 'organizationalUnit'],
    ['ou', name],
  ]);
}

/** The LDIF of a made-up directory, in pieces; equal options give equal bytes. */
export function* generateDirectory(options: DirectoryOptions): Generator<string, void> {
  let text = '';
  let first = true;
  for (const entry of entries(shapeOf(options))) {
    // No empty line before the first, and no version line, which slapadd takes for an attribute.
    text += first ? entry.slice(1) : entry;
    first = false;
    if (text.length < piece) continue;
    yield text;
    text = '';
  }
  yield text;
}

/** Writes the LDIF to a file as a stream. */
export async function writeDirectory(options: DirectoryOptions, path: string): Promise<void> {
  const stream = createWriteStream(path);
  for (const text of generateDirectory(options)) {
    if (!stream.write(text)) await once(stream, 'drain');
  }
  stream.end();
  await once(stream, 'finish');
}

const usage = `Writes a made-up directory as LDIF.

  node bench/generate/directory.ts --users N [--groups N] [--seed N] [--change-percent P] [--base-dn DN] --out FILE

Example: node bench/generate/directory.ts --users 100000 --groups 2000 --out /tmp/directory.ldif
`;

async function main(): Promise<void> {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    options: {
      users: text,
      groups: text,
      seed: text,
      'change-percent': text,
      'base-dn': text,
      out: text,
      help: { type: 'boolean' },
    },
  });
  const users = Number(values.users);
  if (values.help === true || values.out === undefined || !Number.isInteger(users) || users < 1) {
    process.stderr.write(usage);
    process.exitCode = values.help === true ? 0 : 1;
    return;
  }
  const options: DirectoryOptions = {
    users,
    ...(values.groups === undefined ? {} : { groups: Number(values.groups) }),
    ...(values.seed === undefined ? {} : { seed: Number(values.seed) }),
    ...(values['change-percent'] === undefined ? {} : { changePercent: Number(values['change-percent']) }),
    ...(values['base-dn'] === undefined ? {} : { baseDn: values['base-dn'] }),
  };
  await writeDirectory(options, values.out);
}

if (import.meta.main) await main();
