import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { Scheduler } from './scheduler.ts';
import type { DueSync, ScheduledSyncs } from './scheduler.ts';
import { nextRun } from './schedule.ts';

const schedule = { cron: '0 0 * * * ?', timeZone: 'UTC' };

/** A store in memory and a clock that only waiting moves. */
class World implements ScheduledSyncs {
  now: Date;
  readonly next = new Map<string, Date>();
  readonly started: string[] = [];
  readonly errors: (string | null)[] = [];
  readonly waits: number[] = [];
  readonly broughtForward: string[] = [];
  failing = new Set<string>();
  storeFails = false;
  /** Called before each wait; the scheduler is stopped from here. */
  beforeWait: () => void = () => {};

  constructor(now: string, syncs: Record<string, string>) {
    this.now = new Date(now);
    for (const [name, due] of Object.entries(syncs)) this.next.set(name, new Date(due));
  }

  async dueSyncs(now: Date): Promise<DueSync[]> {
    if (this.storeFails) throw new Error('the store is gone');
    const due = [...this.next].filter(([, dueAt]) => dueAt <= now);
    return due.map(([syncId, dueAt]) => ({ syncId, dueAt }));
  }

  async bringForward(now: Date): Promise<void> {
    this.broughtForward.push(now.toISOString().slice(11, 19));
    if (this.failing.has('bringForward')) throw new Error('a time zone is gone');
  }

  async nextDueAt(): Promise<Date | null> {
    const times = [...this.next.values()].map((due) => due.getTime());
    return times.length === 0 ? null : new Date(Math.min(...times));
  }

  async startScheduled(syncId: string, dueAt: Date): Promise<void> {
    if (this.failing.has(syncId)) throw new Error('cannot start');
    if (this.next.get(syncId)?.getTime() !== dueAt.getTime()) return;
    this.next.set(syncId, nextRun(schedule, this.now, syncId) as Date);
    this.started.push(`${syncId} ${this.now.toISOString().slice(11, 19)}`);
  }

  scheduler(): Scheduler {
    return new Scheduler({
      syncs: this,
      clock: { now: () => this.now },
      onError: (_error, syncId) => this.errors.push(syncId),
      wait: async (milliseconds) => {
        this.waits.push(milliseconds);
        this.now = new Date(this.now.getTime() + milliseconds);
        this.beforeWait();
      },
    });
  }

  /** Runs until the clock shows that time. */
  async runUntil(time: string, schedulers: Scheduler[] = [this.scheduler()]): Promise<void> {
    this.beforeWait = () => {
      if (this.now >= new Date(time)) for (const scheduler of schedulers) void scheduler.stop();
    };
    await Promise.all(schedulers.map((scheduler) => scheduler.run()));
  }
}

describe('scheduler', () => {
  it('starts each run at its time, once', async () => {
    const world = new World('2026-01-01T09:59:50Z', { a: '2026-01-01T10:00:00Z' });
    await world.runUntil('2026-01-01T12:00:01Z');
    expect(world.started).toEqual(['a 10:00:00', 'a 11:00:00', 'a 12:00:00']);
    expect(world.errors).toEqual([]);
  });

  it('starts runs that were missed while it was down once', async () => {
    const world = new World('2026-01-05T08:30:00Z', { a: '2026-01-01T10:00:00Z' });
    await world.runUntil('2026-01-05T09:00:01Z');
    expect(world.started).toEqual(['a 08:30:00', 'a 09:00:00']);
  });

  it('starts a run once when two of them look', async () => {
    const world = new World('2026-01-01T09:59:50Z', { a: '2026-01-01T10:00:00Z', b: '2026-01-01T10:00:00Z' });
    await world.runUntil('2026-01-01T10:30:00Z', [world.scheduler(), world.scheduler()]);
    expect(world.started.map((run) => run[0])).toEqual(['a', 'b']);
  });

  it('goes on with the others when one cannot be started, and tries that one again', async () => {
    const world = new World('2026-01-01T10:00:00Z', { a: '2026-01-01T10:00:00Z', b: '2026-01-01T10:00:00Z' });
    world.failing.add('a');
    const scheduler = world.scheduler();
    world.beforeWait = () => {
      if (world.errors.length >= 2) world.failing.clear();
      if (world.started.length >= 2) void scheduler.stop();
    };
    await scheduler.run();
    expect(world.started).toEqual(['b 10:00:00', 'a 10:00:02']);
    expect(world.errors).toEqual(['a', 'a']);
  });

  it('survives a store that cannot be asked', async () => {
    const world = new World('2026-01-01T10:00:00Z', { a: '2026-01-01T10:00:00Z' });
    world.storeFails = true;
    const scheduler = world.scheduler();
    world.beforeWait = () => {
      world.storeFails = false;
      if (world.started.length === 1) void scheduler.stop();
    };
    await scheduler.run();
    expect(world.errors).toEqual([null]);
    expect(world.started).toEqual(['a 10:00:01']);
  });

  it('looks at least every half minute, and never without a pause', async () => {
    const world = new World('2026-01-01T10:00:00Z', {});
    await world.runUntil('2026-01-01T10:00:20Z');
    expect(world.waits).toEqual([5000, 5000, 5000, 5000]);
  });

  it('sets runs right that lie too far ahead when it begins, and when the clock was set back', async () => {
    const world = new World('2026-01-01T10:00:00Z', {});
    const scheduler = world.scheduler();
    let looks = 0;
    world.beforeWait = () => {
      looks += 1;
      if (looks === 2) world.now = new Date('2026-01-01T09:00:00Z');
      if (looks === 4) void scheduler.stop();
    };
    await scheduler.run();
    expect(world.broughtForward).toEqual(['10:00:00', '09:00:00']);
  });

  it('starts what is due also when runs cannot be set right', async () => {
    const world = new World('2026-01-01T09:59:50Z', { a: '2026-01-01T10:00:00Z' });
    world.failing.add('bringForward');
    await world.runUntil('2026-01-01T11:00:01Z');
    expect(world.started).toEqual(['a 10:00:00', 'a 11:00:00']);
    expect(world.errors).toEqual([null]);
  });

  it('ends while it waits', async () => {
    const world = new World('2026-01-01T10:00:00Z', {});
    const waits = Promise.withResolvers<void>();
    const scheduler = new Scheduler({
      clock: { now: () => world.now },
      onError: (error) => waits.reject(error),
      syncs: world,
      // Ends by the signal alone.
      wait: async (_milliseconds, signal) => {
        waits.resolve();
        if (!signal.aborted) await once(signal, 'abort');
      },
    });
    const run = scheduler.run();
    await waits.promise;
    await scheduler.stop();
    await run;
    expect(world.started).toEqual([]);
  });
});
