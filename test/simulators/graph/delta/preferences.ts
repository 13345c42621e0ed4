import type { Exchange } from '../exchange.ts';

/** What the Prefer header of a request asks for. */
export interface Preferences {
  /** `return=minimal`: only properties that changed. */
  readonly minimal: boolean;
  /** `odata.maxpagesize=n`. */
  readonly maxPageSize: number | undefined;
}

export function preferences(exchange: Exchange): Preferences {
  const header = exchange.request.headers['prefer'] ?? '';
  const size = Number(/(?:odata\.)?maxpagesize\s*=\s*(\d+)/i.exec(header)?.[1] ?? 0);
  return {
    minimal: /return\s*=\s*minimal/i.test(header),
    maxPageSize: size > 0 ? Math.min(size, 999) : undefined,
  };
}
