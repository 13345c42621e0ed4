import { array, assert, asyncProperty, integer, nat } from 'fast-check';
import { expect, test } from 'vitest';
import { brief } from '../workbench.ts';
import { applyEdits, edits, trim } from './random-edits.ts';
import { describeWorlds, told } from './world.ts';

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
            // What is new is planned in the order in which it came to be staged.
            expect((await told(world, done)).map(bare).sort()).toEqual(dry.map(bare).sort());
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
