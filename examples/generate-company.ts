/** Writes company.ldif: about 1,000 people of a made-up company, always the same. Run: node examples/generate-company.ts */
import { writeFileSync } from 'node:fs';
import { Random } from '../bench/generate/random.ts';
import { renderAttributeLine } from '../server/src/connectors/file/ldif/render.ts';
import { departments, givenNames, familyNames, towns, type Town } from './company-names.ts';

const base = 'dc=example,dc=com';
let random = new Random(2849);

type Line = readonly [name: string, value: string | Uint8Array];

interface Person {
  readonly dn: string;
  readonly uid: string;
  readonly team: string;
  readonly department: string;
  readonly town: Town;
  readonly lines: readonly Line[];
}

function escape(value: string): string {
  return value.replaceAll(/[,+"\\<>;]/g, String.raw`\$&`);
}

function render(lines: readonly Line[]): string {
  return lines.map(([name, value]) => renderAttributeLine(name, value)).join('');
}

function unit(dn: string, name: string, description: string): string {
  return render([
    ['dn', dn],
    ['objectClass', 'top'],
    ['objectClass', 'organizationalUnit'],
    ['ou', name],
    ['description', description],
  ]);
}

/** ASCII letters of a name: é becomes e, ø becomes o. */
function plain(name: string): string {
  return name
    .toLowerCase()
    .replaceAll('ø', 'o')
    .replaceAll('ł', 'l')
    .replaceAll('ı', 'i')
    .replaceAll('ß', 'ss')
    .replaceAll('æ', 'ae')
    .replaceAll('đ', 'd')
    .normalize('NFD')
    .replaceAll(/[^a-z]/g, '');
}

const taken = new Set<string>();
function makeUid(givenName: string, familyName: string): string {
  const stem = `${plain(givenName).slice(0, 1)}${plain(familyName)}`;
  let uid = stem;
  for (let number = 2; taken.has(uid); number++) uid = `${stem}${number}`;
  taken.add(uid);
  return uid;
}

/** A JPEG of one grey pixel. */
const photo = Buffer.from(
  '/9j/4AAQSkZJRgABAQEASABIAAD/2wBDAP//////////////////////////////////////////////////////////////////////////////////////wgALCAABAAEBAREA/8QAFBABAAAAAAAAAAAAAAAAAAAAAP/aAAgBAQABPxA=',
  'base64',
);

const people: Person[] = [];

interface Extra {
  readonly givenName?: string;
  readonly familyName?: string;
  readonly rdn?: (uid: string, commonName: string) => string;
  readonly mail?: string;
  readonly more?: readonly Line[];
}

function hire(
  department: string,
  team: string,
  title: string,
  manager: Person | undefined,
  extra: Extra = {},
): Person {
  const givenName = extra.givenName ?? random.pick(givenNames);
  const familyName = extra.familyName ?? random.pick(familyNames);
  const uid = makeUid(givenName, familyName);
  const commonName = `${givenName} ${familyName}`;
  const town = random.pick(towns);
  const rdn = extra.rdn?.(uid, commonName) ?? `uid=${uid}`;
  const dn = `${rdn},ou=${escape(team)},ou=${escape(department)},${base}`;
  const number = 1001 + people.length;
  const phone = `${town.dial} 555 ${String(random.below(9000) + 1000)}`;
  const lines: Line[] = [
    ['dn', dn],
    ['objectClass', 'top'],
    ['objectClass', 'person'],
    ['objectClass', 'organizationalPerson'],
    ['objectClass', 'inetOrgPerson'],
    ['uid', uid],
    ['cn', commonName],
    ['sn', familyName],
    ['givenName', givenName],
    ['displayName', commonName],
    ['mail', extra.mail ?? `${uid}@example.com`],
    ['telephoneNumber', phone],
    ['employeeNumber', String(number)],
    ['employeeType', random.next() < 0.9 ? 'employee' : 'contractor'],
    ['title', title],
    ['departmentNumber', team],
    ['o', 'Example Corporation'],
    ['l', town.name],
    ['preferredLanguage', town.language],
    ...(manager === undefined ? [] : [['manager', manager.dn] as const]),
    ...(extra.more ?? []),
  ];
  const person = { dn, uid, team, department, town, lines };
  people.push(person);
  return person;
}

/** What real directories hold and simple programs stumble over. */
function hireOddPeople(manager: Person): void {
  const [department, team] = ['Engineering', 'Platform'];
  // A DN that begins with a name instead of a uid, and has an escaped comma in it.
  hire(department, team, 'Principal Engineer', manager, {
    givenName: 'Chidi',
    familyName: 'Okafor',
    rdn: () => String.raw`cn=Okafor\, Chidi`,
    more: [['cn', 'Okafor, Chidi']],
  });
  // A DN beyond ASCII, of two attributes.
  hire(department, team, 'Staff Engineer', manager, {
    givenName: 'Zoë',
    familyName: 'Müller-Đặng',
    rdn: (uid, commonName) => `cn=${commonName}+uid=${uid}`,
  });
  // Several values of one attribute.
  hire(department, team, 'Engineer', manager, {
    givenName: 'María José',
    familyName: 'Núñez',
    more: [
      ['cn', 'Maria Jose Nunez'],
      ['cn', 'MJ Núñez'],
      ['mail', 'mj@example.com'],
      ['mail', 'maria.jose.nunez@example.com'],
      ['jpegPhoto', photo],
      ['description', ' Blanks around this text belong to it. '],
    ],
  });
  // Two people who share one mailbox: neither can be told by it, so both become a conflict to look into.
  hire(department, team, 'Engineer', manager, {
    givenName: 'Jean',
    familyName: 'Dupont',
    mail: 'frontdesk@example.com',
  });
  hire(department, team, 'Engineer', manager, {
    givenName: 'Jeanne',
    familyName: 'Dupont',
    mail: 'FrontDesk@example.com',
  });
}

function hireAll(): void {
  for (const { name: department, head, teams } of departments) {
    let boss: Person | undefined;
    for (const { name: team, size, titles } of teams) {
      const lead = hire(department, team, boss === undefined ? head : `Lead, ${team}`, boss);
      boss ??= lead;
      for (let index = 1; index < size; index++) hire(department, team, random.pick(titles), lead);
      if (team === 'Platform') hireOddPeople(lead);
    }
  }
}

function groupText(name: string, description: string, members: readonly string[]): string {
  return render([
    ['dn', `cn=${escape(name)},ou=Groups,${base}`],
    ['objectClass', 'top'],
    ['objectClass', 'groupOfNames'],
    ['cn', name],
    ['description', description],
    ...members.map((member): Line => ['member', member]),
  ]);
}

const groupDn = (name: string): string => `cn=${escape(name)},ou=Groups,${base}`;
const dns = (chosen: readonly Person[]): string[] => chosen.map((person) => person.dn);

/** Forty: one for each team and department, whose group holds those of its teams, towns, and odd ones. */
function groups(): string[] {
  const texts: string[] = [];
  for (const { name: department, teams } of departments) {
    for (const { name: team } of teams) {
      texts.push(
        groupText(
          `${team} team`,
          `Everybody in ${team}`,
          dns(people.filter((person) => person.team === team)),
        ),
      );
    }
    const inside = teams.map(({ name }) => groupDn(`${name} team`));
    texts.push(groupText(department, `The teams of ${department}, as groups in a group`, inside));
  }
  texts.push(
    groupText(
      'All staff',
      'Everybody, by department',
      departments.map(({ name }) => groupDn(name)),
    ),
  );
  for (const town of towns.slice(0, 5)) {
    texts.push(
      groupText(
        `Office ${town.name}`,
        `Who works in ${town.name}`,
        dns(people.filter((person) => person.town === town)),
      ),
    );
  }
  texts.push(
    groupText('On call', 'One member left the company and was forgotten here', [
      ...dns(people.filter((_, index) => index % 97 === 5)),
      `uid=left.long.ago,ou=Platform,ou=Engineering,${base}`,
    ]),
    // A groupOfNames must name somebody: an empty one names itself.
    groupText('Alumni', 'Nobody yet', [groupDn('Alumni')]),
    groupText('Works council', 'Elected', dns(people.filter((_, index) => index % 211 === 7))),
    groupText('Book club', 'Reads on Thursdays', dns(people.filter((_, index) => index % 149 === 11))),
    groupText('First aid', 'Trained helpers', dns(people.filter((_, index) => index % 53 === 3))),
  );
  return texts;
}

/** The LDIF, and a sentence on what is in it. */
export function renderCompany(): { readonly text: string; readonly summary: string } {
  people.length = 0;
  taken.clear();
  random = new Random(2849);
  hireAll();
  const units = departments.flatMap(({ name, description, teams }) => [
    unit(`ou=${escape(name)},${base}`, name, description),
    ...teams.map((team) =>
      unit(`ou=${escape(team.name)},ou=${escape(name)},${base}`, team.name, `Team of ${name}`),
    ),
  ]);
  const domain = render([
    ['dn', base],
    ['objectClass', 'top'],
    ['objectClass', 'dcObject'],
    ['objectClass', 'organization'],
    ['dc', 'example'],
    ['o', 'Example Corporation'],
  ]);
  units.push(unit(`ou=Groups,${base}`, 'Groups', 'All groups'));
  const texts = [domain, ...units, ...people.map(({ lines }) => render(lines)), ...groups()];
  return {
    text: texts.join('\n'),
    summary: `${people.length} people, ${units.length} organizational units, ${texts.length - units.length - people.length - 1} groups`,
  };
}

if (import.meta.main) {
  const { text, summary } = renderCompany();
  writeFileSync(new URL('company.ldif', import.meta.url), text);
  process.stdout.write(`${summary}\n`);
}
