import { isUtf8 } from 'node:buffer';
import { z } from 'zod';
import { objectKinds } from '@lockstep/contract/vocabulary.ts';
import { attributesFromJson, type Attributes, type JsonValue } from '../../../directory/attributes.ts';
import { recordError } from '../errors.ts';
import type { ParsedRecord, RawRecord } from '../record.ts';

const valueSchema = z.union([z.string(), z.strictObject({ $base64: z.base64() })]);
const recordSchema = z.strictObject({
  kind: z.enum(objectKinds),
  id: z.string().min(1).max(1000),
  parent: z.string().max(1000).nullish(),
  name: z.string().min(1),
  enabled: z.boolean().nullish(),
  attributes: z.record(z.string(), z.union([valueSchema, z.array(valueSchema)])).default({}),
  members: z.array(z.string().min(1)).optional(),
});
type JsonRecord = z.infer<typeof recordSchema>;

function parseJson(raw: RawRecord): unknown {
  if (!isUtf8(raw.bytes))
    throw recordError('the line is not valid UTF-8', raw.line, 1, 'Write the file in UTF-8.');
  try {
    return JSON.parse(raw.bytes.utf8Slice(0, raw.bytes.length));
  } catch (error) {
    const position = /position (\d+)/.exec(String(error))?.[1];
    const column = position === undefined ? raw.bytes.length + 1 : Number(position) + 1;
    throw recordError(`not a JSON object (${(error as Error).message})`, raw.line, column);
  }
}

function describeIssue(error: z.ZodError): string {
  const [issue] = error.issues;
  if (issue === undefined) return 'not a record';
  return `${issue.path.join('.') || 'record'}: ${issue.message}`;
}

/** Parses one line of a JSON Lines file. @throws LockstepError InvalidRecord with line and column. */
export function parseJsonRecord(raw: RawRecord): ParsedRecord | undefined {
  const json = parseJson(raw);
  const checked = recordSchema.safeParse(json);
  if (!checked.success) throw recordError(describeIssue(checked.error), raw.line);
  const record = checked.data;
  return {
    raw,
    kind: record.kind,
    externalId: record.id,
    reference: record.id,
    location: record.id,
    name: record.name,
    parent: record.parent ?? '',
    enabled: record.enabled ?? undefined,
    attributes: () => attributesOf(record),
    members: () => (record.members ?? []).map((text) => ({ attribute: 'members', text, reference: text })),
  };
}

function attributesOf(record: JsonRecord): Attributes {
  const lists: Record<string, JsonValue[]> = {};
  for (const [name, value] of Object.entries(record.attributes)) {
    const values = Array.isArray(value) ? value : [value];
    if (values.length > 0) lists[name] = values;
  }
  return attributesFromJson(lists);
}
