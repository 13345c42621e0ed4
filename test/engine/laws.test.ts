import { array, assert, asyncProperty, constantFrom, integer, nat, record } from 'fast-check';
import type { Arbitrary } from 'fast-check';
import { expect, test } from 'vitest';
import { brief } from '../workbench.ts';
import type { MemorySystem } from './memory-system.ts';
import { MemoryTree, Refused } from './memory-tree.ts';
import { describeWorlds, told } from './world.ts';

/** An edit names entries by number, so that whatever is there it means something; one that is refused is none. */
const edit = record({
  what: constantFrom(
    'unit',
    'user',
    'user',
    'group',
    'set',
    'move',
    'rename',
    'remove',
    'prune',
    'join',
    'join',
    'leave',
    'switch',
  ),
  on: nat(60),
  to: nat(60),
  name: constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'ü', "o'x"),
});
type Edit = typeof edit extends Arbitrary<infer Value> ? Value : never;

const edits = (most: number) => array(edit, { maxLength: most });

/** Users have one name in the whole tree, as a directory asks for. */
function nameIsFree(tree: MemoryTree, name: string): boolean {
  return [...tree.entries.values()].every((entry) => entry.name !== name);
}

function applyEdit(tree: MemoryTree, { what, on, to, name }: Edit): void {
  const paths = [...tree.entries.values()].map((entry) => tree.pathOf(entry)).sort();
  const units = ['', ...paths.filter((path) => /\/ou=[^/]*$/.test(path))];
  const groups = paths.filter((path) => path.includes('/cn='));
  const unit = units[to % units.length] ?? '';
  const path = paths[on % Math.max(1, paths.length)];
  const user = `uid=${name}${on % 7}`;
  if (what === 'unit') tree.add(`${unit}/ou=${name}`);
  else if (what === 'user' && nameIsFree(tree, user))
    tree.add(`${unit}/${user}`, { mail: [`${name}${on % 7}@x.org`] });
  else if (what === 'group') tree.add(`${unit}/cn=${name}`);
  else if (path === undefined) return;
  else if (what === 'set')
    tree.set(path, { description: [name], displayName: to % 3 === 0 ? [] : [name, String(to)] });
  else if (what === 'move') tree.move(path, `${unit}/${path.slice(path.lastIndexOf('/') + 1)}`);
  else if (what === 'rename') {
    const kind = path.slice(path.lastIndexOf('/') + 1).split('=')[0] ?? '';
    const renamed = kind === 'uid' ? `uid=${name}${to % 7}` : `${kind}=${name}`;
    if (kind !== 'uid' || nameIsFree(tree, renamed))
      tree.move(path, `${path.slice(0, path.lastIndexOf('/'))}/${renamed}`);
  } else if (what === 'remove') tree.remove(path);
  else if (what === 'prune') tree.prune(path);
  else if (what === 'switch' && path.includes('/uid=')) tree.get(path).enabled = !tree.get(path).enabled;
  else {
    const group = groups[to % Math.max(1, groups.length)];
    if (group === undefined || group === path || /\/ou=[^/]*$/.test(path)) return;
    if (what === 'join') tree.addMember(group, path);
    if (what === 'leave') tree.removeMember(group, path);
  }
}

function applyEdits(tree: MemoryTree, list: readonly Edit[]): void {
  for (const each of list) {
    try {
      applyEdit(tree, each);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
    }
  }
}

/** Attributes that the mapping of a kind knows, so that the trees can be compared as they are. */
function trim(system: MemorySystem): void {
  for (const entry of system.tree.entries.values()) {
    if (entry.kind === 'user') delete entry.attributes['description'];
    else delete entry.attributes['displayName'];
  }
}

const runs = { numRuns: 3, endOnFailure: true } as const;

describeWorlds('laws', (makeWorld) => {
  test('whatever is edited, after a run each side equals the source, and a second run changes nothing', async () => {
    await assert(
      asyncProperty(
        array(edits(14), { minLength: 2, maxLength: 3 }),
        nat(),
        integer({ min: 1, max: 9 }),
        async (rounds, order, size) => {
          const world = await makeWorld();
          const corp = await world.system('corp');
          const target = await world.system('target');
          [corp.order, corp.batchSize, target.order, target.batchSize] = [order, size, order, size];
          await world.ingress('corp');
          await world.egress('target');
          for (const round of rounds) {
            applyEdits(corp.tree, round);
            trim(corp);
            const dry = await told(world, await world.run('corp-in', 'dryRun'));
            const done = await world.run('corp-in');
            expect(done.status).toBe('success');
            expect((await told(world, done)).map(bare)).toEqual(dry.map(bare));
            expect(await world.directory()).toEqual(corp.tree.snapshot());
            expect(await told(world, await world.run('corp-in'))).toEqual([]);
            // A name that is freed in the same run may come through in the next one only.
            let out = await world.run('target-out');
            for (let more = 0; more < 5 && out.status !== 'success'; more += 1)
              out = await world.run('target-out');
            expect(target.tree.snapshot()).toEqual(corp.tree.snapshot());
            expect(await told(world, await world.run('target-out'))).toEqual([]);
          }
        },
      ),
      runs,
    );
  }, 240_000);

  test('the order in which a system is read does not matter', async () => {
    await assert(
      asyncProperty(edits(20), edits(14), integer({ min: 1 }), async (first, second, seed) => {
        const outcomes: unknown[] = [];
        for (const order of [0, seed, seed + 1]) {
          const world = await makeWorld();
          const corp = await world.system('corp');
          [corp.order, corp.batchSize] = [order, 4];
          await world.ingress('corp');
          for (const round of [first, second]) {
            applyEdits(corp.tree, round);
            const job = await world.run('corp-in');
            outcomes.push([brief(job.statistics), (await told(world, job)).sort(), await world.directory()]);
          }
        }
        expect(outcomes.slice(2, 4)).toEqual(outcomes.slice(0, 2));
        expect(outcomes.slice(4, 6)).toEqual(outcomes.slice(0, 2));
      }),
      runs,
    );
  }, 240_000);
});

/** A line without its end: a dry run skips everything. */
function bare(line: string): string {
  return line.replace(/ (skipped|failed) \w*$/, '');
}
