import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Writes an LDIF file with two organizational units, `count` people and a group of all of them. */
export function writeCompany(path: string, count: number, extra = ''): void {
  const people = Array.from({ length: count }, (_, index) => {
    const uid = `p${index}`;
    return [
      `dn: uid=${uid},ou=People,dc=example,dc=com`,
      'objectClass: inetOrgPerson',
      `uid: ${uid}`,
      `cn: Person ${index}`,
      `sn: Name${index}`,
      `mail: ${uid}@example.com`,
      '',
    ].join('\n');
  });
  const group = [
    'dn: cn=all,ou=Groups,dc=example,dc=com',
    'objectClass: groupOfNames',
    'cn: all',
    ...Array.from({ length: count }, (_, index) => `member: uid=p${index},ou=People,dc=example,dc=com`),
    '',
  ].join('\n');
  const units = ['People', 'Groups'].map(
    (name) => `dn: ou=${name},dc=example,dc=com\nobjectClass: organizationalUnit\nou: ${name}\n`,
  );
  writeFileSync(path, ['version: 1\n', ...units, ...people, group, extra].join('\n'));
}

/** Writes a configuration in `folder`: `in.ldif` into the directory, the directory out to `out.ldif`. */
export function writeConfiguration(folder: string, ingress = ''): string {
  const path = join(folder, 'lockstep.yaml');
  writeFileSync(
    path,
    `connections:
  company:
    type: file
    path: ${join(folder, 'in.ldif')}
    baseDn: dc=example,dc=com
  export:
    type: file
    path: ${join(folder, 'out.ldif')}
    baseDn: dc=out,dc=org
syncs:
  company-in:
    connection: company
    direction: ingress
    scopes: [{ source: "dc=example,dc=com", target: "/" }]
    onMissing: delete
${ingress}
  export-out:
    connection: export
    direction: egress
    scopes: [{ source: "/", target: "dc=out,dc=org" }]
    onMissing: delete
    guard: { user: { count: 1000 }, membership: { count: 1000 } }
`,
  );
  return path;
}
