import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** What V8 writes with `--cpu-prof`: samples of nodes of a call tree, with the microseconds between them. */
interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

export interface ProfiledFunction {
  readonly place: string;
  readonly seconds: number;
}

/** Options of Node that write a profile of each thread of a run to the directory. */
export function profileArguments(directory: string, name: string): string[] {
  return ['--cpu-prof', '--cpu-prof-dir', join(directory, name.replaceAll(/\W+/g, '-'))];
}

/** The time spent in each function itself, most first. */
export function selfTimes(profile: CpuProfile): ProfiledFunction[] {
  const places = new Map(profile.nodes.map(({ id, callFrame }) => [id, renderPlace(callFrame)]));
  const seconds = new Map<string, number>();
  for (const [index, id] of profile.samples.entries()) {
    const place = places.get(id) ?? '(unknown)';
    seconds.set(place, (seconds.get(place) ?? 0) + (profile.timeDeltas[index] ?? 0) / 1e6);
  }
  return [...seconds]
    .map(([place, spent]) => ({ place, seconds: spent }))
    .sort((left, right) => right.seconds - left.seconds);
}

function renderPlace(frame: CpuProfile['nodes'][number]['callFrame']): string {
  const name = frame.functionName || '(anonymous)';
  if (frame.url === '') return name;
  const path = frame.url.startsWith('file:') ? fileURLToPath(frame.url) : frame.url;
  return `${name} ${path.replace(/^.*\/(?=node_modules\/|server\/)/, '')}:${frame.lineNumber + 1}`;
}

/** The most expensive functions of every profile below the directory, as text; idle time is told apart. */
export async function renderProfiles(directory: string, count = 15): Promise<string> {
  const files = await readdir(directory, { recursive: true });
  const parts: string[] = [];
  for (const file of files.filter((name) => name.endsWith('.cpuprofile')).sort()) {
    const functions = selfTimes(JSON.parse(await readFile(join(directory, file), 'utf8')) as CpuProfile);
    parts.push(`\n${file}\n${renderFunctions(functions, count)}`);
  }
  return parts.join('');
}

function renderFunctions(functions: readonly ProfiledFunction[], count: number): string {
  const idle = functions.find(({ place }) => place === '(idle)')?.seconds ?? 0;
  const busy = functions.filter(({ place }) => place !== '(idle)');
  const total = busy.reduce((sum, { seconds }) => sum + seconds, 0);
  const lines = busy
    .slice(0, count)
    .map(({ place, seconds }) => `${((100 * seconds) / total).toFixed(1).padStart(5)} %  ${place}\n`);
  return `busy ${total.toFixed(1)} s, idle ${idle.toFixed(1)} s\n${lines.join('')}`;
}
