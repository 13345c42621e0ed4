import { afterAll, beforeAll } from 'vitest';
import { openLdap, settingsOf } from '../../../../test/servers/ldap-endpoint.ts';
import {
  targetConformance,
  type ConformanceTarget,
  type SeenObject,
} from '../../../../test/conformance/target-conformance.ts';
import { parseLdifDump, type DumpedEntry } from '../../../../test/servers/ldifDump.ts';
import { hidesControls, startSlapd, type Slapd } from '../../../../test/servers/slapd.ts';
import { ldapConnector } from './connector.ts';

const suffix = 'dc=example,dc=com';

let full: Slapd;
let bare: Slapd;
let count = 0;
beforeAll(async () => {
  full = await startSlapd({ dbnosync: true });
  bare = await startSlapd({ dbnosync: true, globalConfig: hidesControls });
});
afterAll(() => Promise.all([full.stop(), bare.stop()]));

/** A node of its own in a shared server. */
async function makeTarget(server: Slapd, more: Record<string, unknown>): Promise<ConformanceTarget> {
  count += 1;
  const node = `ou=target ${count},${suffix}`;
  await server.addLdif(`dn: ${node}\nobjectClass: organizationalUnit\nou: target ${count}\n`);
  const settings = settingsOf(server, more);
  const endpoint = await openLdap(settings);
  return {
    endpoint,
    node,
    mapping: {
      ingress: ldapConnector.defaultMapping('ingress', settings),
      egress: ldapConnector.defaultMapping('egress', settings),
    },
    readBack: async () =>
      parseLdifDump(await server.tool('ldapsearch', ['-LLL', '-b', node, '-s', 'children'])).map((entry) =>
        seen(entry),
      ),
    [Symbol.asyncDispose]: () => endpoint[Symbol.asyncDispose](),
  };
}

function seen({ dn, attributes }: DumpedEntry): SeenObject {
  const members = [...(attributes['member'] ?? []), ...(attributes['uniqueMember'] ?? [])].map(String);
  return { location: dn, attributes, members: members.filter((member) => member !== '' && member !== dn) };
}

targetConformance('ldap, groupOfNames', () =>
  makeTarget(full, { disabled: { attribute: 'employeeType', value: 'locked' } }),
);
targetConformance('ldap, groupOfUniqueNames and an empty placeholder', () =>
  makeTarget(full, {
    group: { writeObjectClasses: ['groupOfUniqueNames'], placeholderMember: 'empty' },
    externalIdAttribute: 'entryUUID',
  }),
);
targetConformance('ldap, without controls', () => makeTarget(bare, { externalIdAttribute: 'entryUUID' }));
