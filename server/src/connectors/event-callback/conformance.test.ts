import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { eventCallbackConnectionSchema } from '@lockstep/contract/connection-configuration.ts';
import { targetConformance, type SeenObject } from '../../../../test/conformance/target-conformance.ts';
import { startEventReceiver, type EventReceiver } from '../../../../test/simulators/event-receiver.ts';
import { MemoryReplica } from '../../../../test/simulators/memory-replica.ts';
import type { AttributeValue } from '../../directory/attributes.ts';
import type { KindMapping, Mapping } from '../../mapping/rules.ts';
import type { Signer } from '../../sync/connector.ts';
import { makeEventCallbackConnector } from './connector.ts';

const { publicKey, privateKey } = await generateKeyPair('RS256');
const keys = { keys: [{ ...(await exportJWK(publicKey)), kid: 'test', alg: 'RS256' }] };
const signer: Signer = {
  tenantId: 'idaas_test',
  connectionId: 'app_test',
  now: () => new Date(),
  sign: (claims) =>
    new SignJWT({ ...claims }).setProtectedHeader({ alg: 'RS256', typ: 'JWT', kid: 'test' }).sign(privateKey),
};
const encryptKey = '0123456789abcdef'.repeat(4);

function same(...names: readonly string[]): KindMapping {
  return Object.fromEntries(names.map((name) => [name, { from: [name] }]));
}

/** What the table writes, under names of events where they have one. */
const plain = same(
  'commonName',
  'familyName',
  'givenName',
  'title',
  'mobile',
  'phoneNumber',
  'photo',
  'description',
);
const mapping: { readonly egress: Mapping; readonly ingress: Mapping } = {
  egress: {
    user: { username: { from: ['username'] }, email: { from: ['mail'] }, ...plain },
    organizationalUnit: { organizationalUnitName: { from: ['name'] }, ...same('description') },
    group: { groupName: { from: ['name'] }, ...same('description') },
  },
  ingress: {
    user: { username: { from: ['username'] }, mail: { from: ['email'] }, ...plain },
    organizationalUnit: { name: { from: ['organizationalUnitName'] }, ...same('description') },
    group: { name: { from: ['groupName'] }, ...same('description') },
  },
};

/** What the application holds, by what it was told. */
function seen({ held, members }: EventReceiver): SeenObject[] {
  return [...held].map(([location, data]) => ({
    location,
    attributes: Object.fromEntries(
      Object.entries(data).map(([name, value]) => [
        name,
        [value].flat().map((one) => fromText(name, String(one))),
      ]),
    ),
    members: [...(members.get(location) ?? [])],
  }));
}

function fromText(name: string, text: string): AttributeValue {
  return name === 'photo' ? Buffer.from(text, 'base64') : text;
}

targetConformance('event callbacks, encrypted', async () => {
  const receiver = await startEventReceiver({
    keys,
    audience: 'app_test',
    tenantId: 'idaas_test',
    encryptKey,
  });
  const settings = eventCallbackConnectionSchema.parse({
    type: 'event_callback',
    url: receiver.url,
    encryptKey,
  });
  const endpoint = await makeEventCallbackConnector().open(settings, {
    baseDirectory: '/',
    secret: () => undefined,
    replica: new MemoryReplica(),
    signer,
  });
  return {
    endpoint,
    node: 'ou_top',
    mapping,
    // The directory sees to it that names are unique and that nothing is left below what is deleted.
    holdsNames: false,
    readBack: () => Promise.resolve(seen(receiver)),
    async [Symbol.asyncDispose]() {
      await endpoint[Symbol.asyncDispose]();
      await receiver[Symbol.asyncDispose]();
    },
  };
});
