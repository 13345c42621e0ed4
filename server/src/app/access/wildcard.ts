/**
 * Whether a text fits a pattern in which `*` stands for any characters and `?` for one. Takes time of pattern times
 * text at most, whatever the pattern.
 */
export function fitsWildcard(pattern: string, text: string): boolean {
  let at = 0;
  let of = 0;
  let star = -1;
  let resume = 0;
  while (at < text.length) {
    if (pattern[of] === '*') {
      star = of;
      resume = at;
      of += 1;
    } else if (of < pattern.length && (pattern[of] === '?' || pattern[of] === text[at])) {
      of += 1;
      at += 1;
    } else if (star >= 0) {
      // The last star takes one character more.
      resume += 1;
      at = resume;
      of = star + 1;
    } else {
      return false;
    }
  }
  while (pattern[of] === '*') of += 1;
  return of === pattern.length;
}
