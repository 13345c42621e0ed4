import { expect } from 'vitest';
import type { ObjectKind } from '../../contract/src/vocabulary.ts';
import type { AttributeValue, Attributes } from '../../server/src/directory/attributes.ts';
import type {
  Endpoint,
  ExternalObject,
  RawEntry,
  TargetChange,
  TargetOutcome,
  TargetSession,
} from '../../server/src/sync/connector.ts';
import type { KindMapping, Mapping } from '../../server/src/mapping/rules.ts';
import type { Command } from './commands.ts';
import { applyToModel, getModelObject, type Model } from './model.ts';

/** How the target names an object, as far as it has told. */
export interface Handle {
  readonly kind: ObjectKind;
  readonly externalId: string;
  readonly location: string;
  readonly reference: string;
  readonly alias: string | null;
}

export interface Found {
  readonly entry: RawEntry;
  readonly object: ExternalObject;
}

/** An object that does not exist, under a name that a target can look for. */
const ghost = 'no-such-object';

/** The values that a mapping makes, by its rules `from` alone. */
export function mapAttributes(rules: KindMapping, source: Attributes): Attributes {
  const result: Record<string, readonly AttributeValue[]> = {};
  for (const [name, rule] of Object.entries(rules)) {
    if (!('from' in rule)) continue;
    const from = rule.from.find((candidate) => (source[candidate]?.length ?? 0) > 0);
    if (from !== undefined) result[name] = source[from] ?? [];
  }
  return result;
}

/** Plays commands on a target as the engine would, and keeps the model of what must come of them. */
export class Stage {
  readonly #endpoint: Endpoint;
  readonly #egress: Mapping;
  readonly #node: string;
  #ordinal = 0;
  model: Model = new Map();
  readonly handles = new Map<string, Handle>();
  /** What the target holds, by key, as last read. */
  #existing = new Map<string, ExternalObject>();
  /** Every batch of the current play, with what was expected, to be repeated. */
  readonly played: { readonly changes: readonly TargetChange[]; readonly commands: readonly Command[] }[] =
    [];

  constructor(endpoint: Endpoint, egress: Mapping, node: string) {
    this.#endpoint = endpoint;
    this.#egress = egress;
    this.#node = node;
  }

  openSession(job: string): Promise<TargetSession> {
    return this.#endpoint.openTarget({ job, scopes: [{ node: this.#node }] });
  }

  /** Applies the commands in batches; what needs the outcome of an earlier command goes into a later batch. */
  async play(session: TargetSession, commands: readonly Command[]): Promise<void> {
    let waiting: Command[] = [];
    let touched = new Set<string>();
    for (const command of commands) {
      if (needsEarlier(command, touched)) {
        await this.#flush(session, waiting);
        [waiting, touched] = [[], new Set()];
      }
      waiting.push(command);
      if (command.verb === 'create' || command.verb === 'move' || command.verb === 'delete')
        touched.add(command.key);
    }
    await this.#flush(session, waiting);
  }

  /** Repeats every batch as after a crash: each must be scored as what it was meant to be. */
  async replay(session: TargetSession): Promise<void> {
    for (const { changes, commands } of this.played) {
      const outcomes = await session.apply(changes, {
        recovering: true,
        signal: new AbortController().signal,
      });
      this.#check(commands, outcomes);
    }
  }

  /** Takes over where everything is now: a move of a unit moved what is in it. */
  refresh(found: ReadonlyMap<string, Found>): void {
    this.#existing = new Map([...found].map(([key, { object }]) => [key, object]));
    for (const [key, { entry, object }] of found) {
      const { kind, externalId } = entry;
      const { location, reference, alias = null } = object;
      this.handles.set(key, { kind, externalId, location, reference, alias });
    }
  }

  async #flush(session: TargetSession, commands: readonly Command[]): Promise<void> {
    if (commands.length === 0) return;
    const changes = commands.map((command) => this.#toChange(command));
    const outcomes = await session.apply(changes, {
      recovering: false,
      signal: new AbortController().signal,
    });
    this.played.push({ changes, commands });
    this.#check(commands, outcomes);
    for (const [index, command] of commands.entries()) this.#take(command, outcomes[index] as TargetOutcome);
  }

  #check(commands: readonly Command[], outcomes: readonly TargetOutcome[]): void {
    expect(outcomes).toHaveLength(commands.length);
    for (const [index, command] of commands.entries()) {
      const outcome = outcomes[index];
      const { key, verb } = command;
      expect({ key, verb, ok: outcome?.ok }, JSON.stringify(outcome)).toEqual({
        key,
        verb,
        ok: command.fails !== true,
      });
    }
  }

  #take(command: Command, outcome: TargetOutcome): void {
    if (!outcome.ok || command.fails === true) return;
    this.model = applyToModel(this.model, command);
    if (command.verb === 'delete') {
      this.handles.delete(command.key);
      this.#existing.delete(command.key);
    }
    if (command.verb !== 'create' && command.verb !== 'move') return;
    const before = this.handles.get(command.key);
    const { kind } = getModelObject(this.model, command.key);
    this.handles.set(command.key, {
      kind,
      externalId: outcome.externalId ?? before?.externalId ?? '',
      location: outcome.location ?? '',
      reference: outcome.reference ?? '',
      alias: outcome.alias ?? null,
    });
  }

  #toChange(command: Command): TargetChange {
    const ordinal = ++this.#ordinal;
    const empty = {
      ordinal,
      externalId: null,
      location: null,
      parentLocation: null,
      name: null,
      set: {},
      before: {},
    };
    if (command.verb === 'create') {
      const projected = this.#project(command.kind, command.attributes, null);
      const { kind, verb, enabled } = command;
      const { name, attributes: set } = projected;
      const state = enabled === undefined ? {} : { enabled };
      return { ...empty, kind, verb, parentLocation: this.#locationOf(command.parent), name, set, ...state };
    }
    const handle = this.handles.get(command.key) ?? this.#ghost();
    const base = { ...empty, kind: handle.kind, externalId: handle.externalId, location: handle.location };
    if (command.verb === 'update' || command.verb === 'move')
      return { ...base, ...this.#difference(command) };
    if ('member' in command)
      return { ...base, kind: 'membership', verb: command.verb, member: this.#member(command.member) };
    const state = command.verb === 'delete' ? {} : { enabled: command.verb === 'enable' };
    return { ...base, verb: command.verb, ...state };
  }

  #difference(
    command: Extract<Command, { verb: 'update' | 'move' }>,
  ): Pick<TargetChange, 'verb' | 'name' | 'parentLocation' | 'set' | 'before'> {
    const object = this.model.get(command.key);
    if (object === undefined)
      return { verb: command.verb, name: null, parentLocation: null, set: {}, before: {} };
    const existing = this.#existing.get(command.key) ?? null;
    const before = this.#project(object.kind, object.attributes, existing);
    const merged = Object.entries({ ...object.attributes, ...command.attributes }).filter(
      ([, values]) => values.length > 0,
    );
    const after = this.#project(object.kind, Object.fromEntries(merged), existing);
    const set: Record<string, readonly AttributeValue[]> = {};
    for (const name of new Set([...Object.keys(before.attributes), ...Object.keys(after.attributes)])) {
      const values = after.attributes[name] ?? [];
      if (JSON.stringify(values) !== JSON.stringify(before.attributes[name] ?? [])) set[name] = values;
    }
    const olds = Object.fromEntries(Object.keys(set).map((name) => [name, before.attributes[name] ?? []]));
    if (command.verb === 'update')
      return { verb: 'update', name: null, parentLocation: null, set, before: olds };
    const parent = command.parent === undefined ? object.parent : command.parent;
    return { verb: 'move', name: after.name, parentLocation: this.#locationOf(parent), set, before: olds };
  }

  #project(
    kind: ObjectKind,
    attributes: Attributes,
    existing: ExternalObject | null,
  ): ReturnType<Endpoint['project']> {
    return this.#endpoint.project(kind, mapAttributes(this.#egress[kind], attributes), existing);
  }

  #locationOf(key: string | null): string {
    return key === null ? this.#node : (this.handles.get(key)?.location ?? `the table has no ${key}`);
  }

  #member(key: string): NonNullable<TargetChange['member']> {
    const handle = this.handles.get(key);
    if (handle === undefined || handle.kind === 'organizationalUnit')
      throw new Error(`${key} cannot be a member`);
    const { kind, externalId, location, alias, reference } = handle;
    return { kind, externalId, location, alias, reference };
  }

  #ghost(): Handle {
    const attributes = { username: [ghost], commonName: [ghost], familyName: [ghost] };
    const { name } = this.#project('user', attributes, null);
    const location = this.#node === '' && !name.includes('=') ? ghost : `${name},${this.#node}`;
    return { kind: 'user', externalId: ghost, location, reference: location, alias: null };
  }
}

function needsEarlier(command: Command, touched: ReadonlySet<string>): boolean {
  const named = [
    command.key,
    'parent' in command ? command.parent : null,
    'member' in command ? command.member : null,
  ];
  return named.some((key) => key !== null && key !== undefined && touched.has(key));
}
