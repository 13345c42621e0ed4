import { createHash } from 'node:crypto';
import { objectKinds } from '@lockstep/contract/vocabulary.ts';
import type { ObjectKind } from '@lockstep/contract/vocabulary.ts';
import type { AttributeValue, Attributes } from '../directory/attributes.ts';
import { LockstepError } from '../kernel/errors.ts';
import { compileExpression } from './expression.ts';
import type { Expression } from './expression.ts';
import { SourceReader } from './source-reader.ts';
import type { SourceValues } from './source-reader.ts';
import type { KindMapping, Mapping, MappingRule } from './rules.ts';

/** Changed whenever a rule would give other values than before, so that every object is looked at again. */
const languageVersion = 'lockstep mapping 1';

/** Where the values of one target attribute came from. */
export interface Explanation {
  readonly target: string;
  readonly rule: MappingRule;
  /** Source attributes that the rule used, with their values; those it looked at in vain have an empty list. */
  readonly read: Attributes;
  /** What the rule gave; empty: no value. */
  readonly values: readonly AttributeValue[];
  /** Why the rule could not be carried out for this object. */
  readonly error?: string | undefined;
}

/** The source attributes of one object to its target attributes. @throws LockstepError InvalidExpression (one object's row). */
export type MapObject = (source: Attributes) => Attributes;

export type CompiledMapping = Readonly<Record<ObjectKind, MapObject>> & {
  /** Names of the source attributes that the rules of a kind read, without duplicates, sorted. */
  readonly attributesRead: Readonly<Record<ObjectKind, string[]>>;
  /** Target attributes that the mapping manages: one without values is removed from the target. Sorted. */
  readonly attributesWritten: Readonly<Record<ObjectKind, string[]>>;
  /** SHA-256 over the rules in canonical form, hex: equal rules give equal versions, whatever their order. */
  readonly version: string;
  /** Which rule and which source values each target attribute came from, in the order of the rules. */
  explain(kind: ObjectKind, source: Attributes): Explanation[];
};

interface CompiledRule {
  readonly target: string;
  readonly rule: MappingRule;
  /** Slots of the reader, in the order in which the rule names its attributes. */
  readonly slots: readonly number[];
  readonly expression: Expression | undefined;
  readonly fixed: readonly AttributeValue[] | undefined;
}

/** An expression without its `cel` would be looked for as an attribute, in vain: the target's values would be emptied. */
function refuseExpression(name: string, field: string): void {
  if (!/^source[.[]/.test(name)) return;
  const written = name.includes("'") ? JSON.stringify(name) : `'${name}'`;
  throw new LockstepError(
    'InvalidConfiguration',
    `${field}: ${name} is an expression, and a text here is the name of a source attribute`,
    {
      field,
      remedy: `Write { cel: ${written} }, the bare name of the attribute, or { cel: 'source[${JSON.stringify(name)}]' } for one that is called so.`,
    },
  );
}

function compileRule(target: string, rule: MappingRule, field: string, reader: SourceReader): CompiledRule {
  if ('value' in rule) return { target, rule, slots: [], expression: undefined, fixed: rule.value };
  if ('from' in rule) {
    for (const name of rule.from) refuseExpression(name, field);
    return {
      target,
      rule,
      slots: rule.from.map((name) => reader.slot(name)),
      expression: undefined,
      fixed: undefined,
    };
  }
  const expression = compileExpression(rule.cel, field);
  const slots = expression.attributes.map((name) => reader.slot(name));
  return { target, rule, slots, expression, fixed: undefined };
}

function checkTarget(target: string, seen: Set<string>, field: string): void {
  const key = target.toLowerCase();
  if (target === '' || target === '__proto__') {
    throw new LockstepError('InvalidConfiguration', `${field}: this is not the name of an attribute`, {
      field,
    });
  }
  if (seen.has(key)) {
    throw new LockstepError(
      'InvalidConfiguration',
      `${field}: the attribute has a rule already, in other letter case`,
      {
        field,
        remedy: 'Keep one of the two rules.',
      },
    );
  }
  seen.add(key);
}

function failed(rule: CompiledRule, source: SourceValues, error: unknown): LockstepError {
  const read = rule.slots.map((slot) => quoted(source[slot])).join(', ');
  const names = rule.expression?.attributes.join(', ') ?? '';
  const cause =
    error instanceof Error ? ('summary' in error ? String(error.summary) : error.message) : String(error);
  return new LockstepError(
    'InvalidExpression',
    `the rule for ${rule.target} failed: ${cause}; ${rule.expression?.text ?? ''} with ${names} = ${read}`,
    {
      field: rule.target,
      remedy: 'Correct the value at its source, or let the expression allow for it.',
      cause: error,
    },
  );
}

function quoted(values: readonly AttributeValue[] | undefined): string {
  const texts = (values ?? []).slice(0, 3).map((value) => {
    return typeof value === 'string' ? JSON.stringify(value.slice(0, 80)) : `${value.length} bytes`;
  });
  return `[${texts.join(', ')}${(values?.length ?? 0) > 3 ? ', ...' : ''}]`;
}

function valuesOf(rule: CompiledRule, source: SourceValues): readonly AttributeValue[] | undefined {
  if (rule.fixed !== undefined) return rule.fixed;
  if (rule.expression === undefined) {
    for (const slot of rule.slots) {
      const values = source[slot];
      if (values !== undefined) return values;
    }
    return undefined;
  }
  try {
    return rule.expression.evaluate((index) => source[rule.slots[index] as number]);
  } catch (error) {
    throw failed(rule, source, error);
  }
}

class CompiledKind {
  readonly reader = new SourceReader();
  readonly rules: CompiledRule[] = [];

  constructor(mapping: KindMapping, field: string) {
    const seen = new Set<string>();
    for (const [target, rule] of Object.entries(mapping)) {
      checkTarget(target, seen, `${field}.${target}`);
      this.rules.push(compileRule(target, rule, `${field}.${target}`, this.reader));
    }
  }

  map(source: Attributes): Attributes {
    const read = this.reader.read(source);
    const mapped: Attributes = {};
    for (const rule of this.rules) {
      const values = valuesOf(rule, read);
      if (values !== undefined && values.length > 0) mapped[rule.target] = values;
    }
    return mapped;
  }

  explain(source: Attributes): Explanation[] {
    const read = this.reader.read(source);
    return this.rules.map((rule) => {
      const base = { target: rule.target, rule: rule.rule, read: readBy(rule, read) };
      try {
        return { ...base, values: valuesOf(rule, read) ?? [] };
      } catch (error) {
        return { ...base, values: [], error: error instanceof Error ? error.message : String(error) };
      }
    });
  }
}

/** A `from` rule stops at the first attribute with values: those behind it were not looked at. */
function readBy(rule: CompiledRule, source: SourceValues): Attributes {
  const names = rule.expression?.attributes ?? ('from' in rule.rule ? rule.rule.from : []);
  const read: Attributes = {};
  for (const [index, name] of names.entries()) {
    const values = source[rule.slots[index] as number];
    read[name] = values ?? [];
    if (values !== undefined && rule.expression === undefined) break;
  }
  return read;
}

function canonicalRule(rule: MappingRule): unknown {
  if ('from' in rule) return ['from', ...rule.from];
  if ('cel' in rule) return ['cel', rule.cel];
  return ['value', ...rule.value];
}

function versionOf(mapping: Mapping): string {
  const canonical = objectKinds.map((kind) =>
    Object.keys(mapping[kind])
      .sort()
      .map((target) => [target, canonicalRule(mapping[kind][target] as MappingRule)]),
  );
  return createHash('sha256')
    .update(JSON.stringify([languageVersion, canonical]))
    .digest('hex');
}

/**
 * Compiles the rules of a sync. Rules that copy or fix values cost no expression engine; source attributes are found
 * whatever their letter case, an exact spelling first.
 * @param field names the place of the mapping in errors, for example `syncs.corp-in.map`.
 * @throws LockstepError InvalidExpression with the position inside the expression; InvalidConfiguration for a target
 * that has two rules, and for an expression in place of an attribute's name.
 */
export function compileMapping(mapping: Mapping, field = 'map'): CompiledMapping {
  const compiled = {
    organizationalUnit: new CompiledKind(mapping.organizationalUnit, `${field}.organizationalUnit`),
    user: new CompiledKind(mapping.user, `${field}.user`),
    group: new CompiledKind(mapping.group, `${field}.group`),
  } satisfies Record<ObjectKind, CompiledKind>;
  const byKind = <T>(make: (kind: CompiledKind) => T): Record<ObjectKind, T> => ({
    organizationalUnit: make(compiled.organizationalUnit),
    user: make(compiled.user),
    group: make(compiled.group),
  });
  return {
    ...byKind((kind) => (source: Attributes) => kind.map(source)),
    attributesRead: byKind((kind) => kind.reader.names().sort()),
    attributesWritten: byKind((kind) => kind.rules.map((rule) => rule.target).sort()),
    version: versionOf(mapping),
    explain: (kind, source) => compiled[kind].explain(source),
  };
}
