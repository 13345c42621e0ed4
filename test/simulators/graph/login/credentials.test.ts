import { generateKeyPairSync } from 'node:crypto';
import { dirname } from 'node:path';
import {
  ClientAssertionCredential,
  ClientCertificateCredential,
  ClientSecretCredential,
} from '@azure/identity';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { authorityOf, officialClient, trust } from '../official-clients.ts';
import { startGraphSimulator, type GraphSimulator } from '../simulator.ts';
import type { Application } from './applications.ts';
import { makeJwt } from './jwt.ts';
import { makeKeyPair } from './key-pair.ts';

const issuer = generateKeyPairSync('rsa', { modulusLength: 2048 });
const application: Application = {
  clientId: '5d0a6c1e-8f0e-4d4c-9a55-0d3f0a9e7b11',
  secrets: [{ value: 'good' }, { value: 'old', expires: '2020-01-01T00:00:00Z' }],
  federated: [
    {
      issuer: 'https://issuer.example',
      subject: 'system:serviceaccount:lockstep',
      publicKey: issuer.publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    },
  ],
};
let graph: GraphSimulator;
let scope: string;
/** Files with a key and a certificate, as ClientCertificateCredential reads them. */
let registered: string;
let stranger: string;

beforeAll(async () => {
  graph = await startGraphSimulator({ applications: [application] });
  trust(graph);
  scope = `${graph.graphUrl}/.default`;
  const [known, unknown] = await Promise.all(
    ['registered', 'stranger'].map((name) => makeKeyPair(dirname(graph.caFile), name)),
  );
  registered = known!.file;
  stranger = unknown!.file;
  const certificates = [known!.certificate];
  graph.authority.applications.set(application.clientId, { ...application, certificates });
});
afterAll(() => graph.stop());

const certificateCredential = (certificatePath: string): ClientCertificateCredential =>
  new ClientCertificateCredential(
    graph.tenantId,
    application.clientId,
    { certificatePath },
    authorityOf(graph),
  );

/** A token of the foreign issuer, with some claims of its own. */
const foreignToken = (claims: object = {}): string => {
  const seconds = Math.floor(Date.now() / 1000);
  const usual = {
    iss: 'https://issuer.example',
    sub: 'system:serviceaccount:lockstep',
    aud: 'api://AzureADTokenExchange',
    exp: seconds + 600,
  };
  return makeJwt({}, { ...usual, ...claims }, issuer.privateKey);
};
const federatedCredential = (claims?: object): ClientAssertionCredential =>
  new ClientAssertionCredential(
    graph.tenantId,
    application.clientId,
    () => Promise.resolve(foreignToken(claims)),
    authorityOf(graph),
  );
const secretCredential = (
  secret: string,
  clientId = application.clientId,
  tenant = graph.tenantId,
): ClientSecretCredential => new ClientSecretCredential(tenant, clientId, secret, authorityOf(graph));

describe('the credentials of @azure/identity', () => {
  it('a secret gets a token that Graph takes', async () => {
    const client = officialClient(graph, secretCredential('good'));
    expect(await client.api('/organization').get()).toMatchObject({ value: [{ id: graph.tenantId }] });
  });

  it('a certificate gets a token that Graph takes', async () => {
    const credential = certificateCredential(registered);
    expect((await credential.getToken(scope)).token).toMatch(/^ey/);
    expect(await officialClient(graph, credential).api('/organization').get()).toMatchObject({
      value: [{ id: graph.tenantId }],
    });
  });

  it('a token of a trusted issuer gets a token that Graph takes', async () => {
    expect(await officialClient(graph, federatedCredential()).api('/organization').get()).toMatchObject({
      value: [{ id: graph.tenantId }],
    });
  });

  it.each([
    ['a wrong secret', () => secretCredential('bad'), 'AADSTS7000215'],
    ['an expired secret', () => secretCredential('old'), 'AADSTS7000222'],
    [
      'an unknown application',
      () => secretCredential('good', '00000000-1111-2222-3333-444444444444'),
      'AADSTS700016',
    ],
    ['a certificate that is not registered', () => certificateCredential(stranger), 'AADSTS700027'],
    [
      'an issuer that is not trusted',
      () => federatedCredential({ iss: 'https://other.example' }),
      'AADSTS700211',
    ],
    ['a subject that is not trusted', () => federatedCredential({ sub: 'somebody' }), 'AADSTS700213'],
    ['an audience that is not trusted', () => federatedCredential({ aud: 'api://other' }), 'AADSTS700212'],
    ['an assertion that has expired', () => federatedCredential({ exp: 1000 }), 'AADSTS700024'],
  ])('%s is refused', async (_, credential, code) => {
    await expect(credential().getToken(scope)).rejects.toThrow(code);
  });

  it('an unknown tenant is refused at its discovery', async () => {
    const unknown = secretCredential('good', application.clientId, 'no-such-tenant.example');
    await expect(unknown.getToken(scope)).rejects.toThrow(/AADSTS90002|endpoints_resolution_error/);
  });

  it('a verified domain stands for the tenant', async () => {
    const credential = secretCredential('good', application.clientId, 'contoso.example');
    expect((await credential.getToken(scope)).token).toMatch(/^ey/);
  });
});
