import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { objectKinds, type ObjectKind } from '../../contract/src/vocabulary.ts';
import { valueKey, type AttributeValue, type Attributes } from '../../server/src/directory/attributes.ts';
import type { Mapping } from '../../server/src/mapping/rules.ts';
import type { Endpoint, RawEntry } from '../../server/src/sync/connector.ts';
import { getModelObject } from './model.ts';
import { mapAttributes, Stage, type Found } from './stage.ts';
import { transitions, type Transition } from './transitions.ts';

/** An object as something else than the connector sees it in the target. */
export interface SeenObject {
  /** In the connector's notation; compared by `Endpoint.normaliseReference`. */
  readonly location: string;
  /** In the target's vocabulary; names are compared without regard to case. */
  readonly attributes: Readonly<Record<string, readonly AttributeValue[]>>;
  /** Locations of members, placeholders left out. For groups. */
  readonly members?: readonly string[];
}

/** A target, empty below its node, and what the suite must know of it. */
export interface ConformanceTarget extends AsyncDisposable {
  readonly endpoint: Endpoint;
  /** The node of the scope, which exists. */
  readonly node: string;
  readonly mapping: { readonly ingress: Mapping; readonly egress: Mapping };
  /** false: nobody there sees to it that names are unique and that what is deleted has no children. */
  readonly holdsNames?: boolean;
  /** Longest transition that it gets through in good time, in commands. */
  readonly most?: number;
  /** Every object below the node, read without the connector. */
  readBack(): Promise<readonly SeenObject[]>;
}

/**
 * The table of state transitions that every target passes: each is played once as it is, and once broken off before
 * the end and played again as a recovery. After each, what the connector reads, what something else reads, and what
 * the outcomes said must agree with the model.
 */
export function targetConformance(title: string, makeTarget: () => Promise<ConformanceTarget>): void {
  describe(`${title}: state transitions`, () => {
    let target: ConformanceTarget;
    beforeEach(async () => {
      target = await makeTarget();
    });
    afterEach(async () => {
      await target[Symbol.asyncDispose]();
    });

    for (const transition of transitions) {
      test(transition.name, async () => runOnce(target, transition));
      if (transition.once !== true) {
        test(`${transition.name} (cut off and repeated)`, async () => runTwice(target, transition));
      }
    }

    test('finishing twice is harmless', async () => {
      const stage = makeStage(target);
      const session = await stage.openSession('job-finish');
      await stage.play(session, transitions[0]?.when ?? []);
      await session.finish();
      await session.finish();
      await session[Symbol.asyncDispose]();
      await verify(target, stage);
    });

    test('names that differ by case or escapes only are told apart or not as by the target itself', () => {
      const { endpoint, mapping } = target;
      const name = (username: string): string =>
        endpoint.project(
          'user',
          mapAttributes(mapping.egress.user, { username: [username], commonName: ['c'], familyName: ['s'] }),
          null,
        ).name;
      expect(endpoint.sameName(name('jdoe'), name('jdoe'))).toBe(true);
      expect(endpoint.sameName(name('jdoe'), name('jdoe2'))).toBe(false);
    });
  });
}

function makeStage({ endpoint, mapping, node }: ConformanceTarget): Stage {
  return new Stage(endpoint, mapping.egress, node);
}

/** What a target cannot hold by its nature is not asked of it: kinds that it lacks, attributes that no rule writes. */
function isBeyond(
  { endpoint, mapping, most = Infinity }: ConformanceTarget,
  transition: Transition,
): boolean {
  const { given, when } = transition;
  if (given.length + when.length > most) return true;
  const hasUnits = endpoint.capabilities.kinds.includes('organizationalUnit');
  const kindOf = new Map<string, ObjectKind>();
  return [...given, ...when].some((command) => {
    if (command.verb === 'create') kindOf.set(command.key, command.kind);
    const kind = kindOf.get(command.key) ?? 'user';
    const isPlaced = 'parent' in command && command.parent !== null && command.parent !== undefined;
    if (!hasUnits && (kind === 'organizationalUnit' || isPlaced)) return true;
    const written = Object.values(mapping.egress[kind]).flatMap((rule) => ('from' in rule ? rule.from : []));
    return 'attributes' in command && Object.keys(command.attributes).some((name) => !written.includes(name));
  });
}

function isLeftOut(target: ConformanceTarget, transition: Transition): boolean {
  const { endpoint, holdsNames = true } = target;
  if (isBeyond(target, transition)) return true;
  if (!holdsNames && transition.when.some(({ fails, key }) => fails === true && key !== 'ghost')) return true;
  return transition.needsDisable === true && !endpoint.capabilities.disable;
}

/** Plays what is given, and checks it. */
async function prepare(target: ConformanceTarget, stage: Stage, { given }: Transition): Promise<void> {
  if (given.length === 0) return;
  const session = await stage.openSession('job-given');
  await stage.play(session, given);
  await session.finish();
  await session[Symbol.asyncDispose]();
  await verify(target, stage);
  stage.played.length = 0;
}

async function runOnce(target: ConformanceTarget, transition: Transition): Promise<void> {
  if (isLeftOut(target, transition)) return;
  const stage = makeStage(target);
  await prepare(target, stage, transition);
  const session = await stage.openSession('job-when');
  await stage.play(session, transition.when);
  await session.finish();
  await session[Symbol.asyncDispose]();
  await verify(target, stage);
}

async function runTwice(target: ConformanceTarget, transition: Transition): Promise<void> {
  if (isLeftOut(target, transition)) return;
  const stage = makeStage(target);
  await prepare(target, stage, transition);
  const cutOff = await stage.openSession('job-when');
  await stage.play(cutOff, transition.when);
  await cutOff[Symbol.asyncDispose]();
  const session = await stage.openSession('job-when');
  // Only the last batch can have been in flight when a process was cut off.
  stage.played.splice(0, stage.played.length - 1);
  await stage.replay(session);
  await session.finish();
  await session[Symbol.asyncDispose]();
  await verify(target, stage);
}

async function readAll({ endpoint, node, mapping }: ConformanceTarget): Promise<RawEntry[]> {
  const sources = (kind: (typeof objectKinds)[number]): string[] =>
    Object.values(mapping.ingress[kind]).flatMap((rule) => ('from' in rule ? [...rule.from] : []));
  const reading = endpoint.read({
    scopes: [{ node }],
    attributes: {
      user: sources('user'),
      organizationalUnit: sources('organizationalUnit'),
      group: sources('group'),
    },
    memberships: true,
    asTarget: true,
    signal: new AbortController().signal,
  });
  const entries: RawEntry[] = [];
  let step = await reading.next();
  for (; step.done !== true; step = await reading.next()) entries.push(...step.value);
  expect(step.value).toMatchObject({ complete: true });
  return entries;
}

/** What is read must be the model, under the ids and places that the outcomes told. */
async function verify(target: ConformanceTarget, stage: Stage): Promise<void> {
  const entries = await readAll(target);
  const byId = new Map(entries.map((entry) => [entry.externalId, entry]));
  const found = new Map<string, Found>();
  for (const [key, handle] of stage.handles) {
    const entry = byId.get(handle.externalId);
    expect(entry, `${key} is found by the id ${handle.externalId}`).toBeDefined();
    if (entry !== undefined) found.set(key, { entry, object: entry.decode() });
  }
  expect([...found.keys()].toSorted()).toEqual([...stage.model.keys()].toSorted());
  expect(entries).toHaveLength(stage.model.size);
  for (const [key, item] of found) verifyObject(target, stage, found, key, item);
  await verifyIndependently(target, found);
  verifyHandles(stage, found);
  stage.refresh(found);
}

/** Attributes as sets, so that order does not count and bytes can be compared. */
function valueSets(attributes: Attributes, names: readonly string[]): Record<string, string[]> {
  return Object.fromEntries(names.map((name) => [name, (attributes[name] ?? []).map(valueKey).toSorted()]));
}

function verifyObject(
  { endpoint, mapping }: ConformanceTarget,
  stage: Stage,
  found: ReadonlyMap<string, Found>,
  key: string,
  { entry, object }: Found,
): void {
  const expected = getModelObject(stage.model, key);
  expect(entry.kind).toBe(expected.kind);
  const read = mapAttributes(mapping.ingress[expected.kind], object.attributes);
  // What a target makes up for a value that it demands is its own affair.
  const madeUp = ['commonName', 'familyName'];
  const names = Object.keys(mapping.ingress[expected.kind]).filter(
    (name) => !madeUp.includes(name) || name in expected.attributes,
  );
  expect({ key, ...valueSets(read, names) }).toEqual({ key, ...valueSets(expected.attributes, names) });
  const parent = expected.parent === null ? undefined : found.get(expected.parent)?.object.reference;
  expect({ key, parent: object.parents[0] }).toEqual({ key, parent });
  if (expected.kind === 'group') {
    const wanted = [...expected.members].map((member) => found.get(member)?.object);
    const accepted = wanted.map((member) => [member?.reference, member?.alias]);
    const actual = object.members ?? [];
    expect(actual.filter((reference) => !accepted.some((names) => names.includes(reference)))).toEqual([]);
    expect(actual, `members of ${key}`).toHaveLength(wanted.length);
  }
  if (expected.kind === 'user' && endpoint.capabilities.disable) {
    expect({ key, enabled: object.enabled ?? true }).toEqual({ key, enabled: expected.enabled });
  }
}

/** The outcomes of creates and moves told where the object is. What a moved unit carried is not told. */
function verifyHandles(stage: Stage, found: ReadonlyMap<string, Found>): void {
  const told = stage.played.flatMap(({ commands }) =>
    commands
      .filter((command) => command.fails !== true && (command.verb === 'create' || command.verb === 'move'))
      .map(({ key }) => key),
  );
  const carried = stage.played.some(({ commands }) =>
    commands.some(
      (command) => command.verb === 'move' && stage.model.get(command.key)?.kind === 'organizationalUnit',
    ),
  );
  for (const key of new Set(told)) {
    const handle = stage.handles.get(key);
    const object = found.get(key)?.object;
    if (
      handle === undefined ||
      object === undefined ||
      (carried && object.parents.length > 0 && told.length > 1)
    )
      continue;
    const { location, reference } = handle;
    expect({ key, location, reference }).toEqual({
      key,
      location: object.location,
      reference: object.reference,
    });
  }
}

async function verifyIndependently(
  target: ConformanceTarget,
  found: ReadonlyMap<string, Found>,
): Promise<void> {
  const normalise = (location: string): string => target.endpoint.normaliseReference(location) ?? location;
  const seen = new Map((await target.readBack()).map((object) => [normalise(object.location), object]));
  expect([...seen.keys()].toSorted()).toEqual(
    [...found.values()].map(({ object }) => object.reference).toSorted(),
  );
  for (const { object, entry } of found.values()) {
    const other = seen.get(object.reference);
    const names = Object.keys(target.mapping.egress[entry.kind]).filter((name) => name in object.attributes);
    expect(valueSets(lowerNames(other?.attributes ?? {}), names.map(lower))).toEqual(
      valueSets(lowerNames(object.attributes), names.map(lower)),
    );
    if (entry.kind === 'group') {
      expect((other?.members ?? []).map(normalise).toSorted()).toEqual(
        [...(object.members ?? [])].toSorted(),
      );
    }
  }
}

function lower(text: string): string {
  return text.toLowerCase();
}

function lowerNames(attributes: Attributes): Attributes {
  return Object.fromEntries(Object.entries(attributes).map(([name, values]) => [name.toLowerCase(), values]));
}
