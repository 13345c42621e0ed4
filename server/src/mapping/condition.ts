import type { Attributes } from '../directory/attributes.ts';
import { compileExpression } from './expression.ts';
import { SourceReader } from './source-reader.ts';

export interface Condition {
  /** Whether an object meets it. */
  isMet(attributes: Attributes): boolean;
  /** The attributes that it reads. */
  readonly attributes: readonly string[];
}

/**
 * Compiles a CEL condition over `source`, the attributes of an object. An object for which it has no value (it takes an
 * element that is not there) does not meet it; one for which it fails raises, so that nothing is left out unnoticed.
 * @param field names the condition in errors.
 * @throws LockstepError InvalidExpression
 */
export function compileCondition(text: string, field: string): Condition {
  const expression = compileExpression(text, field);
  const reader = new SourceReader();
  const slots = expression.attributes.map((name) => reader.slot(name));
  return {
    attributes: expression.attributes,
    isMet: (attributes) => {
      const values = reader.read(attributes);
      return expression.evaluate((index) => values[slots[index] as number])[0] === 'true';
    },
  };
}
