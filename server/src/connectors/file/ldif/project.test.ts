import { expect, test } from 'vitest';
import { projectLdif } from './project.ts';

test('an entry has no empty texts, which LDAP servers refuse, and takes the next best name instead', () => {
  const mapped = { uid: ['jdoe'], cn: [''], sn: [''], displayName: [''], title: ['', 'Dr.'], mail: [''] };
  expect(projectLdif('user', mapped, null)).toEqual({
    name: 'uid=jdoe',
    attributes: {
      uid: ['jdoe'],
      cn: ['jdoe'],
      sn: ['jdoe'],
      title: ['Dr.'],
      mail: [''],
      objectClass: ['top', 'person', 'organizationalPerson', 'inetOrgPerson'],
    },
  });
});

test('a person whose every name is empty is refused', () => {
  expect(() => projectLdif('user', { uid: [''], displayName: [''] }, null)).toThrow(
    expect.objectContaining({ code: 'RequiredValueMissing', field: 'cn' }),
  );
});
