import { generalDeviations } from '../../server/src/http/surfaces/meraki/deviations.ts';
import type { Operation } from '../../server/src/http/surfaces/meraki/operation.ts';
import { makeOperationTable } from '../../server/src/http/surfaces/meraki/operation-table.ts';

function row({ id, method, path, scope, batch, deviations }: Operation): string {
  const cells = [
    `\`${id}\``,
    `${method} \`${path}\``,
    scope === undefined ? 'any' : `\`${scope}\``,
    batch === undefined ? '' : `\`${batch}\``,
    deviations.join(' '),
  ];
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

/** What is in the Meraki API, in Markdown. */
export function renderMerakiOperations(): string {
  const table = makeOperationTable(() => undefined);
  const head =
    '| operation | address under `/api/v1` | scope | in batches as | deviations |\n| --- | --- | --- | --- | --- |';
  const notes = generalDeviations.map((note) => `- ${note}`).join('\n');
  return `${notes}\n\nEvery other operation of the vendor's API is not implemented, and answered with 404.\n\n${head}\n${table.map(row).join('\n')}`;
}
