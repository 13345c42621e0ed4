import type { ConfigurationChange } from '@lockstep/contract/installationConfiguration.ts';
import { printable } from './table.ts';

const signs = { create: '+', update: '~', delete: '-' } as const;

function renderValue(value: unknown): string {
  return value === undefined ? '(none)' : JSON.stringify(value);
}

function renderField(change: ConfigurationChange, field: ConfigurationChange['fields'][number]): string {
  const { before, after } = field;
  if (field.secret !== undefined)
    return `    ${field.field}: (secret)${field.secret === 'removed' ? ' -> (none)' : ''}`;
  if (change.action === 'create') return `    ${field.field}: ${renderValue(after)}`;
  if (change.action === 'delete') return `    ${field.field}: ${renderValue(before)}`;
  return `    ${field.field}: ${renderValue(before)} -> ${renderValue(after)}`;
}

/** What applying a configuration changes, a block for each resource. */
export function renderDifference(changes: readonly ConfigurationChange[]): string {
  if (changes.length === 0) return 'Nothing to change.';
  return changes
    .flatMap((change) => [
      `${signs[change.action]} ${change.action} ${change.resource} ${change.name}`,
      ...change.fields.map((field) => renderField(change, field)),
    ])
    .map(printable)
    .join('\n');
}
