/** Letters that have no decomposition, as they are commonly written without their marks. */
const letters: Readonly<Record<string, string>> = {
  ß: 'ss',
  ẞ: 'SS',
  æ: 'ae',
  Æ: 'AE',
  ø: 'o',
  Ø: 'O',
  œ: 'oe',
  Œ: 'OE',
  đ: 'd',
  Đ: 'D',
  ł: 'l',
  Ł: 'L',
  þ: 'th',
  Þ: 'Th',
  ı: 'i',
};
const longest = 64;

/** Letters of ASCII for letters with marks; what has no such letter is left out. */
export function plainLetters(text: string): string {
  return text
    .normalize('NFKD')
    .replaceAll(/\p{M}/gu, '')
    .replaceAll(/[ßẞæÆøØœŒđĐłŁþÞı]/g, (letter) => letters[letter] ?? '');
}

/** The part of an address before its last @; the whole where there is none. */
export function localPart(address: string): string {
  const at = address.lastIndexOf('@');
  return at > 0 ? address.slice(0, at) : address;
}

/** What a nickname may be: letters, digits, `.`, `-` and `_`, at most 64; undefined when nothing is left. */
export function cleanNickname(text: string): string | undefined {
  const cleaned = plainLetters(localPart(text))
    .replaceAll(/\s+/g, '.')
    .replaceAll(/[^A-Za-z0-9._-]/g, '')
    .replaceAll(/\.{2,}/g, '.')
    .replaceAll(/^\.+|\.+$/g, '')
    .slice(0, longest)
    .replaceAll(/\.+$/g, '');
  return cleaned === '' ? undefined : cleaned;
}

/** The nickname, or it with the number from 2 on that makes it the only one. */
export function uniqueNickname(base: string, isTaken: (nickname: string) => boolean): string {
  for (let number = 1; ; number += 1) {
    const suffix = number === 1 ? '' : String(number);
    const nickname = base.slice(0, longest - suffix.length) + suffix;
    if (!isTaken(nickname)) return nickname;
  }
}
