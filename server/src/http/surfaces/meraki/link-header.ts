import type { PagePlace } from './operation.ts';
import { beforeAll, behindAll } from './paging.ts';
import type { Query } from './query.ts';

const pagingNames = new Set(['perPage', 'startingAfter', 'endingBefore']);

function address(url: string, query: Query, paging: Readonly<Record<string, string>>): string {
  const pairs = query
    .entries()
    .filter(([name]) => !pagingNames.has(name))
    .flatMap(([name, values]) =>
      values.length === 1 ? [[name, values[0] ?? '']] : values.map((value) => [`${name}[]`, value]),
    );
  const sorted = [...pairs, ...Object.entries(paging)].sort(([left], [right]) =>
    (left ?? '') < (right ?? '') ? -1 : 1,
  );
  const text = sorted.map((pair) => pair.map((part) => encodeURIComponent(part)).join('=')).join('&');
  return `${url}?${text}`;
}

/**
 * The `Link` header of a page (RFC 8288), as the vendor's clients read it: absolute addresses, names of relations
 * without quotes, parameters in alphabetical order. `first` and `last` are the same on every page.
 * @param url address of the list, without a query
 */
export function renderLinks(url: string, query: Query, place: PagePlace): string {
  const perPage = String(place.perPage);
  const link = (rel: string, paging: Readonly<Record<string, string>>) =>
    `<${address(url, query, { perPage, ...paging })}>; rel=${rel}`;
  return [
    link('first', { startingAfter: beforeAll }),
    ...(place.hasPrevious && place.first !== undefined ? [link('prev', { endingBefore: place.first })] : []),
    ...(place.hasNext && place.last !== undefined ? [link('next', { startingAfter: place.last })] : []),
    link('last', { endingBefore: behindAll }),
  ].join(', ');
}
