import { parseArgs } from 'node:util';

export interface BenchOptions {
  readonly users: number;
  readonly groups: number;
  readonly store: 'server' | 'embedded';
  /** Rounds of the cheap measurements, of which the median counts. */
  readonly rounds: number;
  /** Reads ten times as many users as well, to see whether memory grows. */
  readonly memory: boolean;
  /** Where CPU profiles of Lockstep's process go; profiling costs time, so such a run is not for the table. */
  readonly profile: string | undefined;
  /** Measurements whose names hold this text; all of them if undefined. */
  readonly only: string | undefined;
}

export const usage = `Measures Lockstep beside OpenLDAP's own tools and prints one table.

  npm run bench -- [--users N] [--groups N] [--store server|embedded] [--rounds N] [--memory] [--profile DIR] [--only TEXT]
                   [--quick]

  --users N      100,000 if not given
  --groups N     one for 50 users if not given
  --store        server (a PostgreSQL of its own, the default) or embedded
  --rounds N     of the cheap measurements, of which the median counts; 3 if not given
  --memory       first ingress of ten times as many users, too: does memory grow?
  --profile DIR  CPU profiles of Lockstep's process, and its most expensive functions below the table
  --only TEXT    the measurements whose names hold the text: reading, ingress, egress, SCIM
  --quick        5,000 users and 100 groups

Example: npm run bench -- --users 20000 --groups 400
`;

/**
 * What the command line asks for; undefined when it asks for help.
 * @throws Error for an unknown option or a number that is none
 */
export function parseBenchOptions(args: readonly string[]): BenchOptions | undefined {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  const { values } = parseArgs({
    args: [...args],
    options: {
      users: text,
      groups: text,
      store: text,
      rounds: text,
      memory: flag,
      profile: text,
      only: text,
      quick: flag,
      help: flag,
    },
  });
  if (values.help === true) return undefined;
  const users = parseCount('users', values.users, values.quick === true ? 5000 : 100_000);
  const store = values.store ?? 'server';
  if (store !== 'server' && store !== 'embedded')
    throw new Error(`--store is server or embedded, not ${store}`);
  return {
    users,
    groups: parseCount('groups', values.groups, Math.ceil(users / 50)),
    store,
    rounds: parseCount('rounds', values.rounds, 3),
    memory: values.memory === true,
    profile: values.profile,
    only: values.only,
  };
}

function parseCount(name: string, text: string | undefined, otherwise: number): number {
  if (text === undefined) return otherwise;
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new Error(`--${name} is a whole number from 1 up, not ${text}`);
  return Number(text);
}
