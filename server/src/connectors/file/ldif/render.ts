import type { AttributeValue } from '../../../directory/attributes.ts';
import type { OutputMember, OutputRecord, RecordWriter } from '../output.ts';

const lineLength = 76;
// SAFE-STRING of RFC 2849 without control characters; a value that ends with a blank is better encoded (note 8).
const safeText = /^[!-9;=-~][ -~]*$/;

function fold(line: string): string {
  if (line.length <= lineLength) return `${line}\n`;
  let folded = `${line.slice(0, lineLength)}\n`;
  for (let at = lineLength; at < line.length; at += lineLength - 1)
    folded += ` ${line.slice(at, at + lineLength - 1)}\n`;
  return folded;
}

/** One attribute line, encoded as base64 where it must be, folded (RFC 2849). */
export function renderAttributeLine(name: string, value: AttributeValue): string {
  if (value === '') return `${name}:\n`;
  if (typeof value === 'string' && safeText.test(value) && !value.endsWith(' '))
    return fold(`${name}: ${value}`);
  const bytes = typeof value === 'string' ? Buffer.from(value, 'utf8') : Buffer.from(value);
  return fold(`${name}:: ${bytes.toString('base64')}`);
}

/** Classes whose entries must name a member (RFC 4519 sections 3.5 and 3.6), and by which attribute. */
const demandingClasses: readonly (readonly [string, string])[] = [
  ['groupofnames', 'member'],
  ['groupofuniquenames', 'uniqueMember'],
];

/** An empty group names itself, which is passed over on reading. */
function placeholder(record: OutputRecord): string {
  const key = Object.keys(record.attributes).find((name) => name.toLowerCase() === 'objectclass');
  const classes = new Set((record.attributes[key ?? ''] ?? []).map((value) => String(value).toLowerCase()));
  const demanding = demandingClasses.find(([objectClass]) => classes.has(objectClass));
  return demanding === undefined ? '' : renderAttributeLine(demanding[1], record.location);
}

function renderMembers(members: Iterable<OutputMember>): { text: string; any: boolean } {
  let text = '';
  let any = false;
  for (const member of members) {
    text += renderAttributeLine(member.attribute, member.text);
    any ||= member.attribute !== 'memberUid';
  }
  return { text, any };
}

/** Without a version line, which slapadd takes for an attribute; records are parted by an empty line. */
export const ldifWriter: RecordWriter = {
  head: '',
  nothing: 'version: 1\n',
  record(record) {
    let text = renderAttributeLine('dn', record.location);
    for (const [name, values] of Object.entries(record.attributes)) {
      for (const value of values) text += renderAttributeLine(name, value);
    }
    if (record.kind !== 'group') return `${text}\n`;
    const members = renderMembers(record.members());
    return `${text}${members.text}${members.any ? '' : placeholder(record)}\n`;
  },
};
