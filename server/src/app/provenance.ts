import type { JsonAttributeMap } from '@lockstep/contract/attribute.ts';
import type { LinkRow } from '../store/queries/directory.ts';

/** Directory attribute to the names of the ingress syncs that may set it, best first. */
export type Precedence = Readonly<Record<string, readonly string[]>>;

/** The order in which syncs are asked for an attribute: as configured, then in the order of the links. */
function ranked(links: readonly LinkRow[], order: readonly string[] | undefined): readonly LinkRow[] {
  if (order === undefined) return links;
  const rank = (link: LinkRow): number => {
    const place = order.indexOf(link.sync);
    return place < 0 ? order.length : place;
  };
  return [...links].sort((left, right) => rank(left) - rank(right));
}

/**
 * For each attribute the name of the sync whose value the object has: of those that say something of it, the best in
 * precedence. A link without a contribution is the only one that feeds the object.
 * @param links in the order of the syncs.
 */
export function attributeProvenance(
  attributes: JsonAttributeMap,
  links: readonly LinkRow[],
  precedence: Precedence,
): Record<string, string> {
  const feeding = links.filter((link) => link.direction === 'ingress' && link.state === 'live');
  const provenance: Record<string, string> = {};
  for (const name of Object.keys(attributes)) {
    const source = ranked(feeding, precedence[name]).find(
      (link) => link.contribution === null || (link.contribution[name]?.length ?? 0) > 0,
    );
    if (source !== undefined) provenance[name] = source.sync;
  }
  return provenance;
}
