/** Comparisons of RFC 7644 section 3.4.2.2, table 3, without `pr`. */
export const compareOperators = ['eq', 'ne', 'co', 'sw', 'ew', 'gt', 'ge', 'lt', 'le'] as const;
export type CompareOperator = (typeof compareOperators)[number];

/** The name of an attribute as it was written (RFC 7644 section 3.10), not yet looked up. */
export interface AttributePath {
  /** URN of a schema, as it was written. */
  readonly schema?: string;
  readonly name: string;
  readonly subAttribute?: string;
}

export type FilterValue = string | number | boolean | null;

/** A filter as it was written. Operands are at least two; what stood in parentheses is an operand of its own. */
export type Filter =
  | {
      readonly kind: 'compare';
      readonly path: AttributePath;
      readonly operator: CompareOperator;
      readonly value: FilterValue;
    }
  | { readonly kind: 'present'; readonly path: AttributePath }
  | { readonly kind: 'and' | 'or'; readonly operands: readonly Filter[] }
  | { readonly kind: 'not'; readonly operand: Filter }
  /** `emails[type eq "work"]`: one value of the attribute matches the filter in brackets. */
  | { readonly kind: 'valuePath'; readonly path: AttributePath; readonly filter: Filter };
