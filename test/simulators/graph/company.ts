import type { Seed, SeedGroup, SeedUser } from './state/directory.ts';

const givenNames = [
  'Ada',
  'Björn',
  'Chloé',
  'Dmitri',
  'Emeka',
  'Fatima',
  'Grace',
  'Hiroko',
  'Iva',
  'José',
  'Kai',
  'Lin',
];
const surnames = [
  'Adeyemi',
  'Brandt',
  'Costa',
  'Dvořák',
  'Eriksen',
  'Fischer',
  'García',
  'Haddad',
  'Ito',
  'Jensen',
  'Kowalski',
];
const departments = [
  'Engineering',
  'Finance',
  'Legal',
  'Marketing',
  'Operations',
  'Research',
  'Sales',
  'Support',
];
const cities = ['Berlin', 'Lagos', 'Lisbon', 'Osaka', 'Toronto'];
const titles = ['Analyst', 'Engineer', 'Manager', 'Specialist'];

/** How a made-up company is laid out. */
export interface CompanyOptions {
  readonly users: number;
  /** Domain of the user names; it must be verified. */
  readonly domain: string;
  readonly skuId?: string;
}

const id = (kind: number, index: number): string =>
  `${kind.toString(16).padStart(8, '0')}-0000-4000-8000-${index.toString(16).padStart(12, '0')}`;
const pick = <Item>(items: readonly Item[], index: number): Item => items[index % items.length] as Item;
const idOf = (user: SeedUser): string => user.id!;
const plain = (text: string): string =>
  text
    .normalize('NFKD')
    .replaceAll(/[^A-Za-z]/g, '')
    .toLowerCase();

/**
 * A company, the same for the same options: every tenth user manages the ten after, each fiftieth is disabled, each
 * hundredth a guest; a group of each department, one of all departments (nested), one of all people, and an
 * administrative unit of each city.
 */
export function makeCompany(options: CompanyOptions): Seed {
  const users = Array.from({ length: options.users }, (_, index) => makeUser(options, index));
  const inDepartment = (name: string): string[] =>
    users.filter((user) => user['department'] === name).map(idOf);
  const teams = departments.map((displayName, index): SeedGroup => {
    return {
      id: id(2, index),
      displayName,
      description: `Everybody in ${displayName}`,
      members: inDepartment(displayName),
    };
  });
  const all: SeedGroup = {
    id: id(2, 100),
    displayName: 'All departments',
    members: teams.map((team) => team.id!),
  };
  const everybody: SeedGroup = { id: id(2, 101), displayName: 'Everybody', members: users.map(idOf) };
  const administrativeUnits = cities.map((displayName, index): SeedGroup => {
    const members = users.filter((user) => user['city'] === displayName).map(idOf);
    return { id: id(3, index), displayName, members };
  });
  return { users, groups: [...teams, all, everybody], administrativeUnits };
}

function makeUser({ domain, skuId }: CompanyOptions, index: number): SeedUser {
  const [givenName, surname] = [
    pick(givenNames, index),
    pick(surnames, Math.floor(index / givenNames.length)),
  ];
  const alias = `${plain(givenName)}.${plain(surname)}${index}`;
  const guest = index % 100 === 99;
  return {
    id: id(1, index),
    userPrincipalName: guest ? `${alias}_partner.example#EXT#@${domain}` : `${alias}@${domain}`,
    displayName: `${givenName} ${surname}`,
    givenName,
    surname,
    mailNickname: alias,
    mail: guest ? `${alias}@partner.example` : `${alias}@${domain}`,
    userType: guest ? 'Guest' : 'Member',
    accountEnabled: index % 50 !== 49,
    jobTitle: pick(titles, index),
    department: pick(departments, index),
    city: pick(cities, index),
    usageLocation: 'DE',
    employeeId: String(10_000 + index),
    businessPhones: [`+49 30 ${String(index).padStart(6, '0')}`],
    assignedLicenses: skuId !== undefined && index % 3 === 0 ? [{ disabledPlans: [], skuId }] : [],
    ...(index % 10 === 0 ? {} : { manager: id(1, index - (index % 10)) }),
  };
}
