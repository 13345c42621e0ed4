import { LockstepError } from '../../server/src/kernel/errors.ts';
import type {
  PlannedWork,
  TargetChange,
  TargetOutcome,
  TargetSession,
  UnitMove,
} from '../../server/src/sync/connector.ts';
import type { MemorySystem } from './memory-system.ts';
import { referenceOf, Refused } from './memory-tree.ts';
import type { Entry } from './memory-tree.ts';

type Success = Extract<TargetOutcome, { ok: true }>;

function textsOf(set: TargetChange['set']): Record<string, string[]> {
  return Object.fromEntries(Object.entries(set).map(([name, values]) => [name, values.map(String)]));
}

/** Writes as a directory server takes them: entries are found by id, parents and members by where they are. */
export class MemorySession implements TargetSession {
  readonly #system: MemorySystem;
  /** Where entries went in this session: the engine's locations are those of its last reading. */
  readonly #moves: { readonly from: string; readonly to: string }[] = [];
  #recovering = false;

  readonly leastSeconds?: (left: PlannedWork) => number;

  constructor(system: MemorySystem, moved: readonly UnitMove[]) {
    this.#system = system;
    if (system.leastSeconds !== undefined) this.leastSeconds = system.leastSeconds;
    for (const { from, to } of moved) this.#moves.push({ from: this.#follow(from), to });
  }

  /** Where what had this path is now. */
  #follow(location: string): string {
    let path = location;
    for (const { from, to } of this.#moves)
      if (path === from || path.startsWith(`${from}/`)) path = to + path.slice(from.length);
    return path;
  }

  async apply(
    changes: readonly TargetChange[],
    options: { readonly recovering: boolean; readonly signal: AbortSignal },
  ): Promise<readonly TargetOutcome[]> {
    this.#recovering = options.recovering;
    this.#system.batches.push(changes);
    if (options.recovering) this.#recallMoves(changes);
    const outcomes: TargetOutcome[] = [];
    for (const change of changes) {
      await this.#system.beforeWrite(change);
      outcomes.push(this.#outcome(change));
    }
    return outcomes;
  }

  finish(): Promise<void> {
    this.#system.finished += 1;
    return Promise.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }

  /** Moves of this batch that were done before the crash. */
  #recallMoves(changes: readonly TargetChange[]): void {
    for (const { verb, externalId, location } of changes) {
      const entry = verb === 'move' && externalId ? this.#system.tree.entries.get(externalId) : undefined;
      if (!entry || location === null) continue;
      const now = this.#system.tree.pathOf(entry);
      if (now !== location) this.#moves.push({ from: location, to: now });
    }
  }

  #outcome(change: TargetChange): TargetOutcome {
    const { ordinal } = change;
    try {
      const refusal = this.#system.refuse(change);
      if (refusal !== null) throw new Refused(refusal);
      this.#system.writes.push(change);
      return this.#write(change);
    } catch (error) {
      if (error instanceof Refused)
        return { ordinal, ok: false, code: 'TargetRejected', message: error.message };
      if (!(error instanceof LockstepError)) throw error;
      return { ordinal, ok: false, code: error.code, message: error.message };
    }
  }

  #write(change: TargetChange): Success {
    if (change.kind === 'membership') return this.#writeMembership(change);
    if (change.verb === 'create') return this.#create(change);
    if (change.verb === 'move') return this.#move(change);
    if (change.verb === 'delete') return this.#delete(change);
    return this.#update(change, this.#entry(change));
  }

  #entry({ externalId }: TargetChange): Entry {
    if (externalId === null) throw new LockstepError('Internal', 'a change of no entry');
    return this.#system.tree.byId(externalId);
  }

  /** The entry at a place that the engine knows, even when it moved in this session. */
  #at(location: string): Entry | null {
    if (location === this.#system.root) return null;
    const { tree } = this.#system;
    const entry = tree.find(this.#follow(location)) ?? tree.find(location);
    if (!entry) throw new LockstepError('ParentNotFound', `nothing is at ${location}`);
    return entry;
  }

  #create(change: TargetChange): Success {
    if (change.name === null || change.parentLocation === null)
      throw new LockstepError('Internal', 'a create needs name and parent');
    const { tree } = this.#system;
    const above = this.#at(change.parentLocation);
    const path = `${above ? tree.pathOf(above) : ''}/${change.name}`;
    const present = this.#recovering ? tree.find(path) : undefined;
    if (!present) return this.#update(change, tree.add(path));
    return this.#update(change, present);
  }

  #update(change: TargetChange, entry: Entry): Success {
    const { tree, capabilities } = this.#system;
    tree.assign(entry, textsOf(change.set));
    if (change.enabled !== undefined) {
      if (!capabilities.disable) throw new LockstepError('Internal', 'this system cannot disable');
      entry.enabled = change.enabled;
    }
    const location = tree.pathOf(entry);
    const { ordinal } = change;
    return { ordinal, ok: true, externalId: entry.id, location, reference: referenceOf(location) };
  }

  #move(change: TargetChange): Success {
    if (change.name === null || change.parentLocation === null)
      throw new LockstepError('Internal', 'a move needs name and parent');
    const { tree } = this.#system;
    const entry = this.#entry(change);
    const from = tree.pathOf(entry);
    tree.relocate(entry, this.#at(change.parentLocation), change.name);
    const to = tree.pathOf(entry);
    if (from !== to) this.#moves.push({ from, to });
    const unfollowed = tree.referencesFollow ? [] : this.#naming(referenceOf(from));
    return { ...this.#update(change, entry), unfollowed };
  }

  /** References of those who have an entry for their manager by this name. */
  #naming(reference: string): string[] {
    const { tree } = this.#system;
    const found = [...tree.entries.values()].filter(({ attributes }) =>
      attributes['manager']?.some((each) => referenceOf(each) === reference),
    );
    return found.map((entry) => referenceOf(tree.pathOf(entry)));
  }

  #delete(change: TargetChange): Success {
    const { tree } = this.#system;
    const { ordinal } = change;
    if (this.#recovering && !tree.entries.has(change.externalId ?? '')) return { ordinal, ok: true };
    tree.drop(this.#entry(change));
    return { ordinal, ok: true };
  }

  #writeMembership(change: TargetChange): Success {
    const { ordinal, verb, member } = change;
    if (!member) throw new LockstepError('Internal', 'a membership without a member');
    const { tree } = this.#system;
    const gone = verb === 'removeMember' && this.#recovering && !tree.entries.has(change.externalId ?? '');
    if (gone) return { ordinal, ok: true };
    const group = this.#entry(change);
    const entry = member.externalId === null ? undefined : tree.entries.get(member.externalId);
    const reference = entry ? referenceOf(tree.pathOf(entry)) : member.reference;
    if (reference === null) throw new LockstepError('Internal', 'a membership that names nobody');
    if (verb === 'removeMember') {
      const named = [reference, member.reference];
      group.members = group.members.filter((each) => !named.includes(each));
      return { ordinal, ok: true };
    }
    if (!entry) throw new LockstepError('ReferenceNotFound', `${member.location} is not there`);
    if (group.members.includes(reference)) {
      if (verb === 'addMember' && !this.#recovering) throw new Refused(`${reference} is a member already`);
      return { ordinal, ok: true };
    }
    group.members = [
      ...group.members.filter((each) => verb !== 'update' || each !== member.reference),
      reference,
    ];
    return { ordinal, ok: true };
  }
}
