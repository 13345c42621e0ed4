import type { Route } from './exchange.ts';
import { badRequest, GraphError } from './graph-error.ts';

/** A route that fits a path, with the values of its `{names}`. */
export interface Match {
  readonly route: Route;
  readonly parameters: Readonly<Record<string, string>>;
}

/** Finds routes by method and path; patterns with literal segments go before those with names. */
export class Router {
  readonly #routes: readonly { readonly route: Route; readonly segments: readonly string[] }[];

  constructor(routes: readonly Route[]) {
    this.#routes = routes
      .map((route) => ({ route, segments: route.pattern.slice(1).split('/') }))
      .sort((left, right) => names(left.segments) - names(right.segments));
  }

  /** @throws GraphError 400 when no path fits, 405 when the path fits and the method does not. */
  get(method: string, path: readonly string[]): Match {
    let otherMethod = false;
    for (const { route, segments } of this.#routes) {
      const parameters = fit(segments, path);
      if (!parameters) continue;
      if (route.method === method) return { route, parameters };
      otherMethod = true;
    }
    if (otherMethod)
      throw new GraphError(
        405,
        'Request_BadRequest',
        'Specified HTTP method is not allowed for the request target.',
      );
    throw badRequest(`Resource not found for the segment '${path.at(-1) ?? ''}'.`);
  }
}

const names = (segments: readonly string[]): number =>
  segments.filter((segment) => segment.startsWith('{')).length;

function fit(segments: readonly string[], path: readonly string[]): Record<string, string> | undefined {
  if (segments.length !== path.length) return undefined;
  const parameters: Record<string, string> = {};
  for (const [index, segment] of segments.entries()) {
    const actual = path[index] ?? '';
    if (segment.startsWith('{')) {
      if (actual.startsWith('$') || actual.startsWith('microsoft.graph.')) return undefined;
      parameters[segment.slice(1, -1)] = actual;
    } else if (segment.toLowerCase() !== actual.toLowerCase()) return undefined;
  }
  return parameters;
}
