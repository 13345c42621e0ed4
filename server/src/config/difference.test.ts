import { describe, expect, it } from 'vitest';
import { syncSchema } from '@lockstep/contract/configuration.ts';
import { compareConfigurations, renderDifference } from './difference.ts';
import type { ConfigurationState, LoadedConnection, LoadedSync } from './loaded.ts';

const connection = (name: string, path: string, secrets = {}): LoadedConnection => ({
  name,
  type: 'file',
  settings: { type: 'file', path, tls: { verify: true } },
  secrets,
});
const sync = (name: string, more: object = {}): LoadedSync => ({
  name,
  settings: syncSchema.parse({ connection: 'a', direction: 'ingress', ...more }),
});
const empty: ConfigurationState = { connections: [], syncs: [], precedence: {} };

const changes = (from: ConfigurationState, to: ConfigurationState): Set<string> =>
  new Set(compareConfigurations(from, to).map(({ change }) => change));

const current: ConfigurationState = {
  connections: [connection('a', 'a.ldif', { password: 'old secret' }), connection('gone', 'x')],
  syncs: [sync('one'), sync('two', { scopes: [{ source: 'x', target: '/' }], match: ['mail'] })],
  precedence: { mail: ['one'] },
};
const wanted: ConfigurationState = {
  connections: [
    connection('a', 'b.ldif', { password: 'new secret' }),
    connection('new', 'y', { password: 'third secret' }),
  ],
  syncs: [
    sync('two', { scopes: [{ source: 'y', target: '/' }], match: ['mail', 'username'] }),
    sync('one', { onMissing: 'delete' }),
  ],
  precedence: {},
};

describe('the difference of two configurations', () => {
  it('is shown field by field, with secrets masked', () => {
    expect(renderDifference(current, wanted)).toBe(`~ connection a
    ~ path: "a.ldif" -> "b.ldif"
    ~ password: (secret) -> (another secret)
+ connection new
    + type: "file"
    + path: "y"
    + tls.verify: true
    + password: (secret)
- connection gone
~ sync two
    ~ scopes[0].source: "x" -> "y"
    ~ match: ["mail"] -> ["mail","username"]
~ sync one
    ~ onMissing: "ignore" -> "delete"
~ order of syncs
    ~ syncs: one, two -> two, one
- precedence mail
`);
  });

  it('is empty between equals, whatever the order of their fields', () => {
    const turned = structuredClone(current) as {
      -readonly [K in keyof ConfigurationState]: ConfigurationState[K];
    };
    turned.connections = turned.connections.map((item) => ({
      ...item,
      settings: Object.fromEntries(Object.entries(item.settings).reverse()),
    }));
    expect(compareConfigurations(current, turned)).toEqual([]);
    expect(renderDifference(current, turned)).toBe('No changes.\n');
  });

  it('adds everything to nothing and removes everything for nothing', () => {
    expect(changes(empty, wanted)).toEqual(new Set(['added']));
    expect(changes(wanted, empty)).toEqual(new Set(['removed']));
  });

  it('shows no secret', () => {
    const text = [
      renderDifference(current, wanted),
      renderDifference(empty, wanted),
      JSON.stringify(compareConfigurations(current, wanted)),
    ].join('');
    expect(text).not.toMatch(/(old|new|third) secret/);
  });
});
