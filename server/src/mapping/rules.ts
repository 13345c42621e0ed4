import type { ObjectKind } from '@lockstep/contract/vocabulary.ts';

/** One rule of a mapping: where the values of a target attribute come from. */
export type MappingRule =
  { readonly from: readonly string[] } | { readonly cel: string } | { readonly value: readonly string[] };
/** Target attribute to rule. `from` takes the first source attribute that has values, all values verbatim. */
export type KindMapping = Readonly<Record<string, MappingRule>>;
export type Mapping = Readonly<Record<ObjectKind, KindMapping>>;

/** Match rules by kind: directory attribute names in order; `path` is parent and name. */
export type MatchRules = Readonly<Record<ObjectKind, readonly string[]>>;
