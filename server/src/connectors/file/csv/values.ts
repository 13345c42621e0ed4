import type { AttributeValue } from '../../../directory/attributes.ts';
import { decodeBytes } from '../../../directory/decode-bytes.ts';

const binaryPrefix = 'base64:';

/** Splits a cell at the separator; a backslash takes the next character literally. Marks values it was used in. */
function splitCell(cell: string, separator: string): { text: string; escaped: boolean }[] {
  const values: { text: string; escaped: boolean }[] = [];
  let current = { text: '', escaped: false };
  for (let index = 0; index < cell.length; index++) {
    const char = cell[index] as string;
    if (char === '\\' && index + 1 < cell.length) {
      // Only an escape at the very beginning keeps `base64:` from being read as bytes.
      current = {
        text: current.text + (cell[index + 1] as string),
        escaped: current.escaped || current.text === '',
      };
      index++;
    } else if (char === separator) {
      values.push(current);
      current = { text: '', escaped: false };
    } else {
      current.text += char;
    }
  }
  values.push(current);
  return values;
}

/** Texts of a cell (of the members column); an empty cell has none. */
export function parseTexts(cell: string, separator: string): string[] {
  if (cell === '') return [];
  if (!cell.includes('\\')) return cell.split(separator);
  return splitCell(cell, separator).map((value) => value.text);
}

/**
 * The values of a cell: separated, `base64:` before bytes. `name` decides whether bytes that are text become text.
 * @throws RangeError when what follows `base64:` is no base64.
 */
export function parseValues(name: string, cell: string, separator: string): AttributeValue[] {
  if (cell === '') return [];
  const special = cell.includes('\\') || cell.includes(separator) || cell.includes(binaryPrefix);
  if (!special) return [cell];
  return splitCell(cell, separator).map(({ text, escaped }) =>
    !escaped && text.startsWith(binaryPrefix) ? decodeBinary(name, text.slice(binaryPrefix.length)) : text,
  );
}

function decodeBinary(name: string, base64: string): AttributeValue {
  if (base64.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(base64)) {
    throw new RangeError(`the base64 value of ${name} is cut off or holds a foreign character`);
  }
  return decodeBytes(name, Buffer.from(base64, 'base64'));
}

function escapeText(text: string, separator: string): string {
  const escaped = text.replaceAll('\\', '\\\\').replaceAll(separator, `\\${separator}`);
  return text.startsWith(binaryPrefix) ? `\\${escaped}` : escaped;
}

function renderValue(value: AttributeValue, separator: string): string {
  if (typeof value !== 'string') return binaryPrefix + Buffer.from(value).toString('base64');
  // An empty text cannot be told from no value otherwise.
  return value === '' ? binaryPrefix : escapeText(value, separator);
}

/** One cell of all values. */
export function renderValues(values: readonly AttributeValue[], separator: string): string {
  return values.map((value) => renderValue(value, separator)).join(separator);
}
