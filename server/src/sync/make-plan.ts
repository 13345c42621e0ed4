import type { ObjectKind } from '@lockstep/contract/vocabulary.ts';
import { objectKinds } from '@lockstep/contract/vocabulary.ts';
import { parsePath, renderPath } from '../directory/path.ts';
import { LockstepError } from '../kernel/errors.ts';
import { isAllowed } from './allowed-actions.ts';
import { ChangeWriter } from './change-writer.ts';
import { namingAttribute } from './contributions.ts';
import { givenAttributes } from './egress-source.ts';
import { ruleTargets, stageSourceMatches, targetRuleValues } from './match-egress.ts';
import type { RuleTargets } from './match-egress.ts';
import { planEgressKind, planEgressMissing } from './plan-egress.ts';
import { planIngressKind, planMissing, ruleValues } from './plan-ingress.ts';
import { planReferrers } from './plan-referrers.ts';
import { objectKeys } from './object-keys.ts';
import type { PlannedChange } from './planned-change.ts';
import { ProgressNotes } from './progress-notes.ts';
import { normaliseReferences } from './references.ts';
import { plannedKinds, plansMemberships, readsChanges, readVersion } from './run-context.ts';
import type { Run } from './run-context.ts';
import { SourceSurvey } from './source-survey.ts';
import { stageEntries } from './stage-entries.ts';
import type { Interpret, Reading } from './stage-entries.ts';
import type { MissingLink, PlanTotals, ReadPosition, RunnableJob, Staging } from './sync-store.ts';
import { UnitResolver } from './unit-resolver.ts';
import { weigh } from './weigh.ts';

/** Missing objects go users first, then groups, then units from the leaves up. */
const missingOrder: readonly ObjectKind[] = ['user', 'group', 'organizationalUnit'];

const interpretIngress =
  (run: Run, survey: SourceSurvey): Interpret =>
  (kind, entry) => {
    survey.note(kind, entry.attributes);
    const mapped = run.specification.mapping[kind](entry.attributes);
    const attributes = normaliseReferences(kind, mapped, (text) => run.endpoint.normaliseReference(text));
    const naming = attributes[namingAttribute[kind]]?.[0];
    if (naming instanceof Uint8Array) {
      throw new LockstepError(
        'InvalidRecord',
        `${entry.location}: the value for ${namingAttribute[kind]} is no text`,
        { field: namingAttribute[kind] },
      );
    }
    if (naming === undefined || naming.trim() === '') {
      throw new LockstepError(
        'RequiredValueMissing',
        `${entry.location} has no value for ${namingAttribute[kind]}`,
        {
          field: namingAttribute[kind],
          remedy: `Map an attribute that every ${kind} has to ${namingAttribute[kind]}.`,
        },
      );
    }
    const matchValues = ruleValues(run.specification.match[kind], attributes);
    const keys = objectKeys(naming, attributes, run.specification.matchAttributes[kind]);
    return { name: naming, label: naming, attributes, keys, matchValues };
  };

/** Egress: how much of the directory is in scope, and what match rules compare in the target. */
interface EgressScope {
  readonly inScope: Record<ObjectKind, number>;
  readonly targets: RuleTargets;
}

const interpretEgress =
  ({ targets }: EgressScope): Interpret =>
  (kind, entry) => ({
    name: entry.name,
    label: entry.location,
    attributes: entry.attributes,
    keys: null,
    matchValues: targetRuleValues(targets[kind], entry.attributes),
  });

/** The directory's side of the scopes: ids of the units they name, null for the root. */
async function directoryNodes(run: Run): Promise<(string | null)[]> {
  const nodes: (string | null)[] = [];
  for (const { source, target } of run.specification.scopes) {
    const path = run.sync.direction === 'ingress' ? target : source;
    nodes.push(await run.store.findUnitByPath(run.sync.tenantId, path));
  }
  return nodes;
}

/** Ingress: ids of the units that scopes name and of those above them, which the sync may have made as it was before. */
async function unitsOfTargets(run: Run): Promise<ReadonlySet<string>> {
  const ids = new Set<string>();
  if (run.sync.direction === 'egress') return ids;
  const paths = new Set<string>();
  for (const { target } of run.specification.scopes) {
    const names = parsePath(target);
    names.forEach((_, index) => paths.add(renderPath(names.slice(0, index + 1))));
  }
  for (const path of paths) {
    const id = await run.store.findUnitByPath(run.sync.tenantId, path);
    if (id !== null) ids.add(id);
  }
  return ids;
}

async function planMissingObjects(run: Run, staging: Staging, writer: ChangeWriter): Promise<void> {
  const plan = run.sync.direction === 'ingress' ? planMissing : planEgressMissing;
  const kept = await unitsOfTargets(run);
  const asked = plannedKinds(run);
  for (const kind of missingOrder.filter((each) => asked.includes(each))) {
    for await (const page of staging.missing(kind)) {
      run.signal.throwIfAborted();
      const changes: PlannedChange[] = [];
      const released: MissingLink[] = [];
      for (const missing of page) {
        const planned = plan(run, missing).filter(
          ({ verb }) => verb !== 'delete' || !kept.has(missing.objectId),
        );
        if (planned.length === 0) released.push(missing);
        changes.push(...planned);
      }
      if (released.length > 0) await staging.releaseLinks(released);
      await writer.write(changes);
    }
  }
}

/** Egress: what of the directory is in scope has to be known before the target is read. */
async function stageScope(
  run: Run,
  staging: Staging,
  nodes: readonly (string | null)[],
): Promise<EgressScope> {
  const inScope = await staging.stageSource(
    nodes.map((organizationalUnitId, index) => ({ index, organizationalUnitId })),
    plannedKinds(run),
    run.specification.sourceFilter,
  );
  for (const sentence of run.specification.sourceFilter?.findUnmet() ?? [])
    await run.store.addMessage(run.job, 'warning', sentence);
  await warnOfUnknown(run);
  return { inScope, targets: ruleTargets(run) };
}

async function planIngressObjects(
  run: Run,
  staging: Staging,
  reading: Reading,
  writer: ChangeWriter,
  nodes: readonly (string | null)[],
): Promise<Record<ObjectKind, number>> {
  const asked = plannedKinds(run);
  const units = new UnitResolver(staging);
  const same: Record<ObjectKind, number> = { organizationalUnit: 0, user: 0, group: 0 };
  for (const kind of asked) {
    for (const rule of run.specification.match[kind]) {
      await run.store.ensureMatchAttribute(run.sync.tenantId, kind, rule);
    }
  }
  await staging.matchIngress(run.specification.match, reading.absence);
  await staging.resolveReferences(asked, reading.absence);
  for (const kind of asked) {
    const equal = await planIngressKind(run, staging, kind, nodes, units, writer, reading.absence);
    const renamed = await planReferrers(run, staging, kind, writer);
    same[kind] = reading.clean[kind] + equal - renamed;
    if (kind !== 'organizationalUnit') continue;
    await writer.flush();
    await staging.refuseUnitCycles();
  }
  return same;
}

async function planEgressObjects(
  run: Run,
  staging: Staging,
  reading: Reading,
  writer: ChangeWriter,
  nodes: readonly (string | null)[],
  scope: EgressScope,
  survey: SourceSurvey,
): Promise<Record<ObjectKind, number>> {
  const asked = plannedKinds(run);
  const units = new UnitResolver(staging);
  const same: Record<ObjectKind, number> = { organizationalUnit: 0, user: 0, group: 0 };
  await staging.markNeeds(reading.absence);
  // Where every entry of the target has its object, none is looked for.
  const unlinked = await staging.unlinkedKinds();
  for (const kind of asked.filter((each) => unlinked.has(each)))
    await stageSourceMatches(run, staging, kind, scope.targets[kind]);
  await staging.matchEgress(run.specification.match);
  let waits = false;
  for (const kind of asked) {
    const read = { complete: reading.complete, unlinked: unlinked.has(kind), survey };
    const planned = await planEgressKind(run, staging, kind, nodes, units, writer, read);
    same[kind] = scope.inScope[kind] - planned.notSame;
    if (planned.looked === scope.inScope[kind]) await warnOfUnmet(run, kind, survey, givenAttributes(kind));
    waits ||= planned.waits;
  }
  if (waits) await planReferences(staging, writer, same);
  same.user -= await planPasswords(run, staging, writer);
  return same;
}

/** Plans references to objects that the plan creates or binds; who has nothing new but these is not the same. */
async function planReferences(
  staging: Staging,
  writer: ChangeWriter,
  same: Record<ObjectKind, number>,
): Promise<void> {
  await writer.hand(async (first) => {
    const { last, unchanged } = await staging.planPendingReferences(first);
    for (const kind of objectKinds) same[kind] -= unchanged[kind];
    return last;
  });
}

/** Returns how many users have nothing new but a password. */
async function planPasswords(run: Run, staging: Staging, writer: ChangeWriter): Promise<number> {
  const { passwords, allowed } = run.specification;
  if (passwords !== true || run.endpoint.capabilities.passwords !== true) return 0;
  if (!plannedKinds(run).includes('user') || !isAllowed(allowed, 'user', 'update')) return 0;
  let unchanged = 0;
  await writer.hand(async (first) => {
    const planned = await staging.planPasswords(first, run.startedAt);
    unchanged = planned.unchanged;
    return planned.last;
  });
  return unchanged;
}

/** Egress: a name that the target does not have is said before each object that has a value for it fails. */
async function warnOfUnknown(run: Run): Promise<void> {
  const { mapping, own } = run.specification;
  const names = plannedKinds(run).flatMap((kind) => {
    const written = new Set(mapping.attributesWritten[kind]);
    return own.mapped[kind].filter((name) => written.has(name));
  });
  if (names.length === 0) return;
  for (const { name, meant } of (await run.endpoint.findUnknown?.([...new Set(names)], run.signal)) ?? []) {
    const hint = meant === undefined ? '' : `. Did you mean ${meant}?`;
    const sentence = `the connected system has no attribute ${name}, which the mapping writes${hint}`;
    await run.store.addMessage(run.job, 'warning', sentence);
  }
}

const nothingSame: PlanTotals['same'] = { organizationalUnit: 0, user: 0, group: 0, membership: 0 };

/** Said when all objects of a kind were looked at, as the first run of a new or changed mapping does. */
async function warnOfUnmet(
  run: Run,
  kind: ObjectKind,
  survey: SourceSurvey,
  given: readonly string[] = [],
): Promise<void> {
  const { mapping, own } = run.specification;
  for (const sentence of survey.findUnmet(kind, mapping, own, given))
    await run.store.addMessage(run.job, 'warning', sentence);
}

/** Where the next run may read changes from once this one has ended. */
function nextPosition(run: Run, { absence, position }: Reading): ReadPosition | null {
  if (absence === 'nothing' || position === undefined || run.job.selection !== null) return null;
  const changesOnly = absence === 'told';
  const before = changesOnly ? run.sync.readPosition?.wholeAt : undefined;
  const wholeAt = before ?? run.startedAt.toISOString();
  return { position, version: readVersion(run), wholeAt, changesOnly };
}

/**
 * Reads, compares and plans; the plan is final in the store when this returns, and nothing has been written to the
 * target. Preview and apply share it. `weighed` may hold or narrow the plan before it becomes final.
 */
export async function makePlan(
  run: Run,
  weighed: (totals: PlanTotals) => Promise<void>,
): Promise<RunnableJob> {
  await run.store.resetPlan(run.job);
  await using staging = await run.store.openStaging(run.job, run.sync);
  const nodes = await directoryNodes(run);
  const scope = run.sync.direction === 'egress' ? await stageScope(run, staging, nodes) : null;
  // A run of changes looks at what changed outside; what changed in the directory is for the next one of everything.
  const marked = readsChanges(run) ? Promise.resolve() : staging.markTouched();
  // Whoever stages first learns of its failure.
  marked.catch(() => undefined);
  const progress = new ProgressNotes(run.store, run.job);
  const survey = new SourceSurvey();
  const interpret = scope ? interpretEgress(scope) : interpretIngress(run, survey);
  const reading = await stageEntries(run, staging, marked, interpret, progress);
  await progress.readEnded();
  for (const warning of reading.warnings) await run.store.addMessage(run.job, 'warning', warning);
  if (!scope && reading.absence === 'whole') {
    for (const kind of plannedKinds(run).filter((each) => reading.clean[each] === 0))
      await warnOfUnmet(run, kind, survey);
  }
  await using writer = new ChangeWriter(staging, progress);
  const same = scope
    ? await planEgressObjects(run, staging, reading, writer, nodes, scope, survey)
    : await planIngressObjects(run, staging, reading, writer, nodes);
  const { absence } = reading;
  if (absence !== 'nothing') await staging.stageMissing(plannedKinds(run), absence);
  const memberships = plansMemberships(run);
  const { allowed } = run.specification;
  if (memberships && isAllowed(allowed, 'membership', 'addMember'))
    await writer.hand((first) => staging.planAddedMembers(first));
  if (memberships && isAllowed(allowed, 'membership', 'removeMember'))
    await writer.hand((first) => staging.planRemovedMembers(first, absence));
  if (absence !== 'nothing') await planMissingObjects(run, staging, writer);
  await writer.finish();
  const { selection } = run.job;
  if (selection !== null) await staging.keepSelected(selection);
  await staging.analyzePlan(writer.last);
  // What a run of a part, or of changes, leaves alone it has not compared.
  const comparesAll = selection === null && absence !== 'told';
  const [verdict, unmanaged, sameMemberships] = await Promise.all([
    weigh(run, staging, absence),
    staging.countUnmanaged(),
    memberships && comparesAll ? staging.countSameMemberships() : 0,
  ]);
  const totals: PlanTotals = {
    lastOrdinal: writer.last,
    same: comparesAll ? { ...same, membership: sameMemberships } : nothingSame,
    unmanaged,
    readCount: reading.readCount,
    complete: reading.complete,
    reason: reading.reason ?? null,
    readPosition: nextPosition(run, reading),
    verdict,
  };
  await weighed(totals);
  return await staging.commit(totals);
}
