/** A path with its query taken apart: `/users/a%40b.c?$select=id`. */
export interface SplitPath {
  readonly segments: readonly string[];
  readonly parameters: URLSearchParams;
}

/** Segments are decoded one by one, so that a name may hold a slash. */
export function splitPath(path: string): SplitPath {
  const mark = path.indexOf('?');
  const [before, query] = mark === -1 ? [path, ''] : [path.slice(0, mark), path.slice(mark + 1)];
  const segments = before.split('/').filter((segment) => segment !== '');
  return { segments: segments.map(decode), parameters: new URLSearchParams(query) };
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
