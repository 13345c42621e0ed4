import { ParseError, type ASTNode } from '@marcbachmann/cel-js';
import { LockstepError } from '../kernel/errors.ts';
import { compileExpression } from './expression.ts';
import type { ConfiguredRule } from './configured.ts';
import { mappingEnvironment } from './functions.ts';

const remedy =
  'Write a CEL map of target attributes to expressions over `source`: {"displayName": source.displayName[0]}.';

function refuse(field: string, problem: string): LockstepError {
  return new LockstepError('InvalidExpression', `${field}: ${problem}`, { field, remedy });
}

/**
 * The text of an entry's value. Positions of a value leave out the parentheses around its beginning, so that the text
 * is cut out between the keys, which are plain texts.
 */
function valueText(text: string, keyEnd: number, next: number): string {
  return text
    .slice(keyEnd, next)
    .replace(/^\s*:/, '')
    .replace(/,\s*(\/\/[^\n]*\s*)*$/, '')
    .trim();
}

function parseMap(text: string, field: string): [ASTNode, ASTNode][] {
  let ast: ASTNode;
  try {
    ast = mappingEnvironment.parse(text).ast;
  } catch (error) {
    if (!(error instanceof ParseError)) throw error;
    throw refuse(field, `this is no CEL expression: ${error.summary}`);
  }
  if (ast.op !== 'map') throw refuse(field, 'the expression is no map');
  return ast.args;
}

/**
 * Rules of several target attributes written as one CEL map, `{"mail": source.mail, "title": null}`; null takes the
 * attribute out of the sync's hands. Later entries of a name replace earlier ones.
 * @param field names the expression in errors.
 * @throws LockstepError InvalidExpression.
 */
export function parseRuleSet(text: string, field: string): Record<string, ConfiguredRule> {
  const entries = parseMap(text, field);
  const rules: [string, ConfiguredRule][] = [];
  for (const [index, [key, value]] of entries.entries()) {
    if (key.op !== 'value' || typeof key.args !== 'string' || key.args === '') {
      throw refuse(field, 'the name of a target attribute must be a text');
    }
    if (value.op === 'value' && value.args === null) {
      rules.push([key.args, null]);
      continue;
    }
    const next = entries[index + 1]?.[0].start ?? text.lastIndexOf('}');
    const cel = valueText(text, key.end, next);
    compileExpression(cel, `${field}.${key.args}`);
    rules.push([key.args, { cel }]);
  }
  return Object.fromEntries(rules);
}
