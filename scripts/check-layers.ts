import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { cruise, type ICruiseResult } from 'dependency-cruiser';
import { cruiseOptions, layerRules, resolveOptions } from './layer-rules.ts';

const folders = ['contract', 'server', 'console', 'test', 'bench', 'scripts'];

/** One import that the layers forbid, as a line for a person. */
export interface LayerViolation {
  readonly rule: string;
  readonly from: string;
  readonly to: string;
}

/**
 * Cruises the workspaces below `root` by the rules of layer-rules.ts.
 * `modules` is how many source files were read: 0 means that the check has checked nothing.
 */
export async function findLayerViolations(
  root: string,
): Promise<{ modules: number; violations: LayerViolation[] }> {
  const { output } = await cruise(
    folders.filter((folder) => existsSync(join(root, folder))),
    {
      ...cruiseOptions,
      baseDir: root,
      validate: true,
      ruleSet: { forbidden: layerRules },
    },
    resolveOptions,
  );
  const result = output as ICruiseResult;
  return {
    modules: result.modules.filter((module) => /\.tsx?$/.test(module.source)).length,
    violations: result.summary.violations.map(({ rule, from, to }) => ({ rule: rule.name, from, to })),
  };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const { modules, violations } = await findLayerViolations(resolve(import.meta.dirname, '..'));
  for (const { rule, from, to } of violations) console.error(`${rule}: ${from} -> ${to}`);
  if (modules === 0) console.error('No module was read: the check has checked nothing.');
  if (violations.length > 0 || modules === 0) process.exitCode = 1;
  else console.log(`layers: ${modules} modules, no violation`);
}
