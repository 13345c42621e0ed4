/* oxlint-disable unicorn/consistent-function-scoping -- a script is read beside its test */
import { afterAll, beforeAll } from 'vitest';
import { scimConnectionSchema } from '@lockstep/contract/connection-configuration.ts';
import {
  targetConformance,
  type ConformanceTarget,
  type SeenObject,
} from '../../../../test/conformance/target-conformance.ts';
import { startScimmy, type ScimmyServer } from '../../../../test/servers/scimmy.ts';
import type { KindMapping, Mapping } from '../../mapping/rules.ts';
import { scimConnector } from './connector.ts';

let server: ScimmyServer;
beforeAll(async () => {
  server = await startScimmy();
});
afterAll(() => server[Symbol.asyncDispose]());

/** The default mapping without fallbacks, which make one value of another. */
function exact(mapping: Mapping): Mapping {
  const first = (rules: KindMapping): KindMapping =>
    Object.fromEntries(
      Object.entries(rules).flatMap(([name, rule]) =>
        'from' in rule && rule.from[0] !== '$id' ? [[name, { from: rule.from.slice(0, 1) }]] : [],
      ),
    );
  return { user: first(mapping.user), organizationalUnit: {}, group: first(mapping.group) };
}

async function makeTarget(profile: 'auto' | 'okta'): Promise<ConformanceTarget> {
  server.clear();
  const settings = scimConnectionSchema.parse({
    type: 'scim',
    url: server.url,
    token: server.token,
    profile,
  });
  const endpoint = await scimConnector.open(settings, { baseDirectory: '/', secret: () => undefined });
  return {
    endpoint,
    node: '',
    // SCIMMY makes every resource anew for each page.
    most: 100,
    mapping: {
      ingress: exact(scimConnector.defaultMapping('ingress', settings)),
      egress: exact(scimConnector.defaultMapping('egress', settings)),
    },
    readBack: () => Promise.resolve([...server.users.values(), ...server.groups.values()].map(seen)),
    [Symbol.asyncDispose]: () => endpoint[Symbol.asyncDispose](),
  };
}

interface Element {
  readonly value: string;
  readonly type?: string;
}

/** A resource in flat names, as far as the table writes it. */
function seen(resource: Record<string, unknown> & { readonly id: string }): SeenObject {
  const attributes: Record<string, string[]> = {};
  for (const [name, value] of Object.entries(resource)) {
    if (typeof value === 'string') attributes[name] = [value];
    else if (Array.isArray(value)) {
      for (const { type, value: text } of value as Element[])
        (attributes[`${name}[type eq "${type}"].value`] ??= []).push(text);
    } else if (typeof value === 'object' && value !== null) {
      for (const [sub, text] of Object.entries(value)) attributes[`${name}.${sub}`] = [String(text)];
    }
  }
  const members = (resource['members'] ?? []) as Element[];
  return { location: resource.id, attributes, members: members.map(({ value }) => value) };
}

targetConformance('scim, as the service tells', () => makeTarget('auto'));
targetConformance('scim, by PUT', () => makeTarget('okta'));
