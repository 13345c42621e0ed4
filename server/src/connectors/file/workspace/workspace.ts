import type { FileHandle } from 'node:fs/promises';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { Relocations } from '../../../directory/dn/relocation.ts';
import { LockstepError } from '../../../kernel/errors.ts';
import type { TargetChange, TargetOutcome, UnitMove } from '../../../sync/connector.ts';
import type { FileSettings } from '../config.ts';
import { carryOut, destinationOf, stepAside } from './changing.ts';
import { inTransaction, openDatabase, removeDatabase } from './database.ts';
import { exportFile } from './exporting.ts';
import { importFile } from './importing.ts';
import { Members } from './members.ts';
import { readMeta, writeMeta, type Meta } from './meta.ts';
import { Named } from './named.ts';
import { placeKey } from './naming.ts';
import type { Scene } from './scene.ts';
import { Tree, type Place } from './tree.ts';

/** The file that a workspace is made from, and a mark that changes with it. */
export interface Imported {
  readonly handle: FileHandle | null;
  readonly stamp: string;
}

/** Scratch beside the file, in which one job changes what the file holds. Survives a kill at any moment. */
export class Workspace {
  readonly #path: string;
  readonly #database: DatabaseSync;
  readonly #settings: FileSettings;
  readonly #scene: Omit<Scene, 'recovering'>;
  readonly #findOutcome: StatementSync;
  readonly #keepOutcome: StatementSync;

  private constructor(
    path: string,
    database: DatabaseSync,
    settings: FileSettings,
    nodes: readonly string[],
    moved: readonly UnitMove[],
  ) {
    this.#path = path;
    this.#database = database;
    this.#settings = settings;
    this.#scene = {
      tree: new Tree(database, settings.format),
      members: new Members(database),
      named: new Named(database),
      nodes: nodes.map((node) => placeKey(settings.format, node)),
      entryUuid: settings.entryUuid,
      disabled: settings.disabled,
      relocations: new Relocations(settings.format === 'ldif' ? moved : []),
    };
    this.#findOutcome = database.prepare('select outcome from outcome where ordinal = ?');
    this.#keepOutcome = database.prepare('insert or replace into outcome (ordinal, outcome) values (?, ?)');
  }

  /**
   * Opens what an earlier attempt of the job left, or imports the file.
   * @throws LockstepError when the file cannot be understood, or another process works on the job.
   */
  static async open(
    path: string,
    settings: FileSettings,
    { nodes, moved }: { readonly nodes: readonly string[]; readonly moved: readonly UnitMove[] },
    load: () => Promise<Imported>,
  ): Promise<Workspace> {
    let database = openOrReplace(path);
    try {
      if (readMeta(database).imported === undefined) {
        // An import that was cut off is begun anew.
        database.close();
        removeDatabase(path);
        database = openDatabase(path);
        await importInto(database, settings, load);
      }
      return new Workspace(path, database, settings, nodes, moved);
    } catch (error) {
      database.close();
      throw error;
    }
  }

  get meta(): Meta {
    return readMeta(this.#database);
  }

  /** Remembers what is about to be renamed into place, so that it is recognised afterwards. */
  markWritten(stamp: string): void {
    writeMeta(this.#database, 'written', stamp);
  }

  /** All changes of a batch and their outcomes are committed together. */
  apply(changes: readonly TargetChange[], recovering: boolean): readonly TargetOutcome[] {
    return inTransaction(this.#database, () => {
      let outcomes: TargetOutcome[] = [];
      for (const [index, change] of changes.entries()) {
        // What comes behind moves may want a name that one of them leaves.
        if (change.verb !== 'move' && changes[index - 1]?.verb === 'move' && outcomes.some(isBlocked))
          outcomes = this.#untangle(changes, outcomes, recovering);
        outcomes.push(this.#applyOne(change, recovering));
      }
      if (outcomes.some(isBlocked)) outcomes = this.#untangle(changes, outcomes, recovering);
      if (outcomes.some((outcome) => outcome.ok)) writeMeta(this.#database, 'changed', 'true');
      return outcomes;
    });
  }

  #applyOne(change: TargetChange, recovering: boolean): TargetOutcome {
    const known = recovering ? this.#findOutcome.get(change.ordinal)?.['outcome'] : undefined;
    if (known !== undefined) return this.#follow(change, JSON.parse(known as string) as TargetOutcome);
    return this.#keep(change, this.#attempt(change, recovering));
  }

  /**
   * Moves of which each wants the name that another one has, or a place below another one that is still below it: all
   * of them step aside, and go to their places from there.
   * One that still cannot is left where it was, and the others are tried without it.
   */
  #untangle(
    changes: readonly TargetChange[],
    outcomes: readonly TargetOutcome[],
    recovering: boolean,
  ): TargetOutcome[] {
    const untangled = [...outcomes];
    let blocked = [...changes.keys()].filter(
      (index) => changes[index]?.verb === 'move' && isBlocked(outcomes[index]),
    );
    while (blocked.length > 0) {
      this.#database.exec('savepoint aside');
      const tried = this.#moveFromAside(
        blocked.map((index) => changes[index] as TargetChange),
        recovering,
      );
      const free = blocked.filter((_, at) => tried[at]?.ok === true);
      if (free.length === blocked.length) {
        this.#database.exec('release aside');
        for (const [at, index] of blocked.entries())
          untangled[index] = this.#keep(changes[index] as TargetChange, tried[at] as TargetOutcome);
        return untangled;
      }
      this.#database.exec('rollback to aside; release aside');
      blocked = free;
    }
    return untangled;
  }

  #moveFromAside(changes: readonly TargetChange[], recovering: boolean): TargetOutcome[] {
    const scene = { ...this.#scene, recovering };
    // Found while each still has the name that the plan knows.
    const places = changes.map((change) => destinationOf(scene, change));
    for (const change of changes) stepAside(scene, change);
    return changes.map((change, at) => this.#attempt(change, recovering, places[at]));
  }

  #keep(change: TargetChange, outcome: TargetOutcome): TargetOutcome {
    this.#keepOutcome.run(outcome.ordinal, JSON.stringify(outcome));
    return this.#follow(change, outcome);
  }

  /** Remembers where a unit went: places below it are still named as the plan knew them. */
  #follow({ kind, verb, location }: TargetChange, outcome: TargetOutcome): TargetOutcome {
    const { tree, relocations } = this.#scene;
    const isUnitMove = kind === 'organizationalUnit' && verb === 'move' && tree.format === 'ldif';
    if (isUnitMove && location !== null && outcome.ok && outcome.location !== undefined)
      relocations.record(relocations.follow(location) ?? location, outcome.location);
    return outcome;
  }

  #attempt(change: TargetChange, recovering: boolean, place?: Place): TargetOutcome {
    this.#database.exec('savepoint one_change');
    try {
      const outcome = carryOut({ ...this.#scene, recovering }, change, place);
      this.#database.exec('release one_change');
      return outcome;
    } catch (error) {
      this.#database.exec('rollback to one_change; release one_change');
      if (!(error instanceof LockstepError)) throw error;
      return { ordinal: change.ordinal, ok: false, code: error.code, message: error.message };
    }
  }

  async export(handle: FileHandle): Promise<void> {
    await exportFile(this.#database, this.#settings, handle);
  }

  close(): void {
    if (this.#database.isOpen) this.#database.close();
  }

  remove(): void {
    // What is thrown away need not reach the disk first.
    if (this.#database.isOpen) this.#database.exec('pragma synchronous = off');
    this.close();
    removeDatabase(this.#path);
  }
}

function isBlocked(outcome: TargetOutcome | undefined): boolean {
  if (outcome === undefined || outcome.ok) return false;
  return outcome.code === 'NameTaken' || outcome.code === 'ParentCycle';
}

async function importInto(
  database: DatabaseSync,
  settings: FileSettings,
  load: () => Promise<Imported>,
): Promise<void> {
  const { handle, stamp } = await load();
  try {
    await importFile(database, settings, handle, new AbortController().signal);
    writeMeta(database, 'imported', stamp);
  } finally {
    await handle?.close();
  }
}

const [sqliteBusy, sqliteCorrupt, sqliteNotADatabase] = [5, 11, 26];

/**
 * A workspace that a power failure damaged is begun anew: what it held is found missing, and written, by the next run.
 * @throws LockstepError Conflict when another process has it open.
 */
function openOrReplace(path: string): DatabaseSync {
  try {
    return openDatabase(path);
  } catch (error) {
    const code = (error as { errcode?: number }).errcode;
    if (code === sqliteBusy) {
      throw new LockstepError('Conflict', `another process is writing this file (${path} is in use)`, {
        cause: error,
      });
    }
    if (code !== sqliteCorrupt && code !== sqliteNotADatabase) throw error;
    removeDatabase(path);
    return openDatabase(path);
  }
}
