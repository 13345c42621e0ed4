import type { ICruiseOptions, IRegularForbiddenRuleType } from 'dependency-cruiser';

/**
 * The layers of the server, lowest first. A folder may import from its own row and from those before it, never from a
 * later one. Folders of one row are named together; who of them may not import whom is said further down.
 */
const layers: readonly (readonly string[])[] = [
  ['kernel'],
  ['directory'],
  ['mapping', 'scim', 'http-client'],
  ['sync'],
  ['connectors', 'secrets', 'telemetry'],
  ['store'],
  // The queue lives in the store's database; configuration files are checked with the parser of schedules.
  ['jobs', 'config'],
  ['app'],
  ['http'],
  // The one place where everything is put together; the command line is the process around it.
  ['main.ts'],
  ['cli'],
];

const folder = (name: string) => `^server/src/${name}${name.endsWith('.ts') ? '$' : '/'}`;
const test = '[.]test[.]ts$';

const upward: IRegularForbiddenRuleType[] = layers.slice(0, -1).map((row, index) => ({
  name: `layer-${row.map((name) => name.replace('.ts', '')).join('-')}`,
  comment: `${row.join(', ')} must not import from a layer above`,
  severity: 'error',
  from: { path: row.map(folder), pathNot: test },
  to: {
    path: layers
      .slice(index + 1)
      .flat()
      .map(folder),
  },
}));

const rule = (
  name: string,
  comment: string,
  from: IRegularForbiddenRuleType['from'],
  to: IRegularForbiddenRuleType['to'],
): IRegularForbiddenRuleType => ({ name, comment, severity: 'error', from, to });

export const layerRules: IRegularForbiddenRuleType[] = [
  // A dependency that is not resolved matches no other rule: it has to fail by itself.
  rule('resolvable', 'every import must resolve', {}, { couldNotResolve: true }),
  rule(
    'no-cycle',
    'modules must not import each other in a circle',
    {},
    {
      circular: true,
      viaOnly: { dependencyTypesNot: ['type-only'] },
    },
  ),
  ...upward,
  rule(
    'connectors-apart',
    'connectors do not import each other',
    { path: '^server/src/connectors/([^/]+)/', pathNot: test },
    { path: '^server/src/connectors/[^/]+/', pathNot: '^server/src/connectors/$1/' },
  ),
  rule(
    'surfaces-apart',
    'surfaces do not import each other',
    { path: '^server/src/http/surfaces/([^/]+)/', pathNot: test },
    { path: '^server/src/http/surfaces/[^/]+/', pathNot: '^server/src/http/surfaces/$1/' },
  ),
  rule(
    'surfaces-use-cases-only',
    'surfaces call use cases (app), not what lies beneath them',
    { path: ['http', 'cli'].map(folder), pathNot: test },
    { path: ['store', 'connectors', 'jobs'].map(folder) },
  ),
  rule(
    'composition-root',
    'only the command line starts the composition root, in one file',
    { path: '^server/src/cli/', pathNot: [test, '^server/src/cli/local-runtime[.]ts$'] },
    { path: folder('main.ts') },
  ),
  rule(
    'contract-alone',
    'the contract imports neither server nor console',
    { path: '^contract/' },
    { path: '^(server|console|bench|test)/' },
  ),
  rule(
    'console-and-contract',
    'the console knows the contract alone',
    { path: '^console/' },
    { path: '^(server|bench|test)/' },
  ),
  rule(
    'server-and-contract',
    'the server imports neither console, benchmark nor test code',
    { path: '^server/', pathNot: test },
    { path: ['^(console|bench|test)/', test] },
  ),
  rule(
    'oracles-in-tests-only',
    'libraries that tests compare with are no dependencies of the product',
    { path: '^(server|contract|console)/', pathNot: test },
    {
      path: 'node_modules/(ldapts|scim2-parse-filter|scim-patch|scimmy|scimmy-routers|fast-check|vitest|playwright-core)/',
    },
  ),
];

export const cruiseOptions: ICruiseOptions = {
  tsPreCompilationDeps: true,
  doNotFollow: { path: 'node_modules' },
  exclude: { path: '(^|/)(dist|data|[.]cache)/' },
};

// Without these the workspace's "exports" are not read: @lockstep/contract/*.ts would be unresolved.
export const resolveOptions = {
  exportsFields: ['exports'],
  conditionNames: ['import', 'node', 'default', 'types'],
  extensions: ['.ts', '.tsx', '.js', '.mjs', '.cjs', '.d.ts', '.json'],
};
