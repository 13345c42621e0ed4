import { mappingRuleSchema, scheduleSchema } from '@lockstep/contract/configuration.ts';
import { objectKinds } from '@lockstep/contract/vocabulary.ts';
import type { ObjectKind } from '@lockstep/contract/vocabulary.ts';
import { scheduleFaults } from '../jobs/schedule.ts';
import { closestName } from '../kernel/closest-name.ts';
import { LockstepError } from '../kernel/errors.ts';
import { compileMapping } from '../mapping/compile.ts';
import { parseRule } from '../mapping/configured.ts';
import { connectionFaults } from './connection-faults.ts';
import { directionFaults } from './direction-faults.ts';
import type { Fault } from './fault.ts';
import { valueAt } from './field-path.ts';
import type { FieldPath } from './field-path.ts';
import { scopeFaults } from './scope-faults.ts';
import type { YamlSource } from './yaml-source.ts';

function named(kind: string, name: string, known: readonly string[]): string {
  const near = closestName(name, known);
  if (near !== undefined) return `Did you mean \`${near}\`?`;
  return known.length === 0 ? `Add a ${kind} of this name.` : `There are ${known.join(', ')}.`;
}

function checkConnection(source: YamlSource, sync: string): void {
  const path = ['syncs', sync, 'connection'];
  const connection = valueAt(source.value, path);
  const known = source.keysOf(['connections']);
  if (typeof connection !== 'string' || known.includes(connection)) return;
  source.refuse(path, `there is no connection \`${connection}\``, named('connection', connection, known));
}

function noteError(source: YamlSource, path: FieldPath, error: unknown): void {
  if (!(error instanceof LockstepError)) throw error;
  const remedy = error.remedy ?? 'See docs/configuration.md.';
  // The report names the field of the file itself.
  const message = error.message.replace(`${error.field}: `, '');
  if (error.position === undefined) source.refuse(path, message, remedy, { code: error.code });
  else source.refuseInside(path, error.position, message, remedy, error.code);
}

function noteFault(source: YamlSource, above: FieldPath, fault: Fault): void {
  const path = [...above, ...fault.path];
  const remedy = fault.remedy ?? 'See docs/configuration.md.';
  if (fault.position === undefined) source.refuse(path, fault.message, remedy, { code: fault.code });
  else source.refuseInside(path, fault.position, fault.message, remedy, fault.code);
}

function checkTimes(source: YamlSource, sync: string): void {
  const schedule = scheduleSchema.safeParse(valueAt(source.value, ['syncs', sync, 'schedule']));
  if (!schedule.success) return;
  for (const error of scheduleFaults(schedule.data))
    noteError(
      source,
      ['syncs', sync, 'schedule', ...(error.field === undefined ? [] : [error.field])],
      error,
    );
}

/** Direction and scopes, as far as the connection of the sync allows them. */
function checkSides(source: YamlSource, sync: string): void {
  const written = valueAt(source.value, ['syncs', sync]);
  const name = valueAt(written, ['connection']);
  const connection = typeof name === 'string' ? valueAt(source.value, ['connections', name]) : undefined;
  const type = valueAt(connection, ['type']);
  for (const fault of [...directionFaults(type, written), ...scopeFaults(connection, written)])
    noteFault(source, ['syncs', sync], fault);
}

function checkRule(source: YamlSource, sync: string, kind: ObjectKind, target: string): void {
  const path = ['syncs', sync, 'map', kind, target];
  const written = mappingRuleSchema.safeParse(valueAt(source.value, path));
  const rule = written.success ? parseRule(written.data) : null;
  if (rule === null) return;
  try {
    const empty = { organizationalUnit: {}, user: {}, group: {} };
    compileMapping({ ...empty, [kind]: { [target]: rule } }, `syncs.${sync}.map`);
  } catch (error) {
    noteError(source, 'cel' in rule ? [...path, 'cel'] : path, error);
  }
}

/** Each rule by itself, so that every wrong one is named. */
function checkMap(source: YamlSource, sync: string): void {
  for (const kind of objectKinds) {
    const map = ['syncs', sync, 'map', kind];
    const seen = new Map<string, string>();
    for (const target of source.keysOf(map)) {
      const twin = seen.get(target.toLowerCase());
      if (twin !== undefined && twin !== target) {
        const message = `\`${twin}\` has a rule already, in other letter case`;
        source.refuse([...map, target], message, 'Keep one of the two.', { atKey: true });
      }
      seen.set(target.toLowerCase(), target);
      checkRule(source, sync, kind, target);
    }
  }
}

function checkPrecedence(source: YamlSource): void {
  const known = source.keysOf(['syncs']);
  for (const attribute of source.keysOf(['precedence'])) {
    const listed = valueAt(source.value, ['precedence', attribute]);
    if (!Array.isArray(listed)) continue;
    for (const [index, name] of listed.entries()) {
      if (typeof name !== 'string') continue;
      const path = ['precedence', attribute, index];
      if (!known.includes(name))
        source.refuse(path, `there is no sync \`${name}\``, named('sync', name, known));
      else if (valueAt(source.value, ['syncs', name, 'direction']) === 'egress') {
        source.refuse(
          path,
          `the sync \`${name}\` writes nothing into the directory`,
          'Name ingress syncs only.',
        );
      }
    }
  }
}

function checkZones(source: YamlSource): void {
  const known = source.keysOf(['connections']);
  for (const zone of source.keysOf(['authZones'])) {
    const listed = valueAt(source.value, ['authZones', zone, 'connections']);
    if (!Array.isArray(listed)) continue;
    for (const [index, name] of listed.entries()) {
      if (typeof name !== 'string' || known.includes(name)) continue;
      const path = ['authZones', zone, 'connections', index];
      source.refuse(path, `there is no connection \`${name}\``, named('connection', name, known));
    }
  }
}

/** Checks what a schema cannot say: names that must exist, DNs, scopes, filters, schedules, expressions. */
export function checkReferences(source: YamlSource): void {
  for (const name of source.keysOf(['connections'])) {
    const path = ['connections', name];
    for (const fault of connectionFaults(valueAt(source.value, path))) noteFault(source, path, fault);
  }
  for (const sync of source.keysOf(['syncs'])) {
    checkConnection(source, sync);
    // Part by part, so that what the schema refuses in one hides nothing of the others.
    checkTimes(source, sync);
    checkSides(source, sync);
    checkMap(source, sync);
  }
  checkPrecedence(source);
  checkZones(source);
}
