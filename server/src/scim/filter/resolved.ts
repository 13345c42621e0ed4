import type { ScimAttribute } from '../schema/attribute.ts';
import type { CompareOperator } from './ast.ts';

/** An attribute path, looked up in a resource model. Inside brackets `attribute` is a sub-attribute of what stands before. */
export interface ResolvedPath {
  /** URN of the extension that holds the attribute; undefined in the core. */
  readonly extension: string | undefined;
  readonly attribute: ScimAttribute;
  readonly subAttribute: ScimAttribute | undefined;
}

/**
 * A filter whose names and values have been checked against a model: what is evaluated, and what SQL is made from.
 * The attribute compared (`subAttribute ?? attribute`) is never complex, and `value` has its type: boolean, number, or
 * string; of a dateTime the string is ISO 8601 in UTC with milliseconds.
 *
 * Meaning: a comparison matches if any value of the attribute matches. `ne` matches as well if there is no value.
 * Strings are compared with regard to case only where the attribute is caseExact.
 */
export type ResolvedFilter =
  | {
      readonly kind: 'compare';
      readonly path: ResolvedPath;
      readonly operator: CompareOperator;
      readonly value: string | number | boolean;
    }
  | { readonly kind: 'present'; readonly path: ResolvedPath }
  | { readonly kind: 'and' | 'or'; readonly operands: readonly ResolvedFilter[] }
  | { readonly kind: 'not'; readonly operand: ResolvedFilter }
  | { readonly kind: 'valuePath'; readonly path: ResolvedPath; readonly filter: ResolvedFilter }
  /** An attribute that the model does not have, where that is tolerated. */
  | { readonly kind: 'constant'; readonly matches: boolean };
