import { protocolError } from '../ber/reader.ts';
import type { DecodedEntry } from '../messages/entry.ts';
import { LockstepError } from '../../../../kernel/errors.ts';
import type { LdapClient } from './client.ts';

/** One part of a large attribute, as Active Directory sends it: `member;range=0-1499`. */
export interface AttributeRange {
  /** The attribute without the range option. */
  readonly attribute: string;
  readonly from: number;
  /** Last index of the part; undefined: nothing is left (`range=1500-*`). */
  readonly to: number | undefined;
}

/** Reads the range option of an attribute description, or gives undefined where there is none. */
export function parseRange(description: string): AttributeRange | undefined {
  const match = /^(.*);range=(\d{1,15})-(\d{1,15}|\*)((?:;.*)?)$/i.exec(description);
  if (!match) return undefined;
  const [, name = '', from = '', to = '', rest = ''] = match;
  return { attribute: name + rest, from: Number(from), to: to === '*' ? undefined : Number(to) };
}

/**
 * Reads all values of one attribute of one entry in as many parts as the server makes of them
 * ([MS-ADTS] section 3.1.1.3.1.3.3). Servers without ranges answer with everything at once.
 * `from` skips values that are known already. Throws NotFound when the entry is gone.
 */
export async function* readRanges(
  client: LdapClient,
  dn: string,
  attribute: string,
  from = 0,
): AsyncGenerator<(string | Buffer)[], void, undefined> {
  let next = from;
  for (;;) {
    const part = await readPart(client, dn, attribute, next);
    if (part.values.length > 0) yield part.values;
    if (part.to === undefined) return;
    if (part.to < next)
      throw protocolError(`the range ${next}-* of ${attribute} was answered up to ${part.to}`);
    next = part.to + 1;
  }
}

interface Part {
  readonly values: (string | Buffer)[];
  readonly to: number | undefined;
}

async function readPart(client: LdapClient, dn: string, attribute: string, from: number): Promise<Part> {
  const wanted = from === 0 ? attribute : `${attribute};range=${from}-*`;
  const search = client.search({ base: dn, scope: 'base', filter: '(objectClass=*)', attributes: [wanted] });
  let part: Part | undefined;
  for await (const item of search) {
    if (item.type === 'entry') part = findPart(item.entry.decode(), attribute, from);
  }
  if (part === undefined)
    throw new LockstepError('NotFound', `${client.name}: "${dn}" is not there to read ${attribute}`);
  return part;
}

function findPart(entry: DecodedEntry, attribute: string, from: number): Part {
  const name = attribute.toLowerCase();
  for (const [description, values] of entry.attributes) {
    const range = parseRange(description);
    if (range && range.attribute.toLowerCase() === name && range.from === from) {
      if (range.to !== undefined && values.length !== range.to - from + 1)
        throw protocolError(`"${description}" came with ${values.length} values`);
      return { values, to: range.to };
    }
    if (description.toLowerCase().startsWith(`${name};range=`)) {
      throw protocolError(`"${description}" came where the range from ${from} was asked for`);
    }
    // Beside the part, Active Directory also sends the attribute itself, without values.
    if (!range && description.toLowerCase() === name && values.length > 0) return { values, to: undefined };
  }
  throw protocolError(`the range of ${attribute} from ${from} did not come`);
}
