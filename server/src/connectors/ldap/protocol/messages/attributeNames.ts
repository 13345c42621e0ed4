const slots: (string | undefined)[] = Array.from({ length: 4096 });
const longest = 64;

/**
 * The text of an attribute description. Names repeat in every entry, so ASCII ones come from a table of fixed size
 * (by a hash over a few of their octets, checked octet by octet): one string per name instead of one per entry.
 */
export function attributeName(buffer: Buffer, start: number, stop: number): string {
  const length = stop - start;
  if (length > longest) return buffer.toString('utf8', start, stop);
  if (length === 0) return '';
  const hash =
    length +
    buffer[start]! * 5 +
    buffer[start + (length >> 1)]! * 67 +
    buffer[stop - 1]! * 331 +
    buffer[start + (length >> 2)]! * 1237;
  const slot = (hash ^ (hash >>> 12)) & 4095;
  const known = slots[slot];
  if (known !== undefined && equals(buffer, start, known, length)) return known;
  const text = buffer.toString('utf8', start, stop);
  if (text.length === length) slots[slot] = text;
  return text;
}

function equals(buffer: Buffer, start: number, text: string, length: number): boolean {
  if (text.length !== length) return false;
  for (let index = 0; index < length; index += 1) {
    if (buffer[start + index] !== text.charCodeAt(index)) return false;
  }
  return true;
}
