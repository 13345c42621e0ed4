import { valueToJson } from '../../../directory/attributes.ts';
import type { OutputRecord, RecordWriter } from '../output.ts';

function toJson(record: OutputRecord): Record<string, unknown> {
  const attributes = Object.entries(record.attributes).map(([name, values]) => {
    const list = values.map(valueToJson);
    return [name, list.length === 1 ? list[0] : list];
  });
  return {
    kind: record.kind,
    id: record.externalId,
    ...(record.parent === '' ? {} : { parent: record.parent }),
    name: record.name,
    ...(record.enabled === null ? {} : { enabled: record.enabled }),
    attributes: Object.fromEntries(attributes),
    ...(record.kind === 'group' ? { members: [...record.members()].map((member) => member.text) } : {}),
  };
}

export const jsonlWriter: RecordWriter = {
  head: '',
  nothing: '\n',
  record: (record) => `${JSON.stringify(toJson(record))}\n`,
};
