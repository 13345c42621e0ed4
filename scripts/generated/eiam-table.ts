import { documentedOperations } from '../../server/src/http/surfaces/eiam/documented-operations.ts';
import { operationTable } from '../../server/src/http/surfaces/eiam/operation-table.ts';

/** Operations of the EIAM API: which there are, and what they do otherwise than the vendor's. */
export function renderEiamTable(): string {
  const names = [...new Set([...documentedOperations, ...operationTable.keys()])].sort();
  const rows = names.map((name) => {
    const found = operationTable.get(name);
    const deviations = found?.deviations.join('; ') ?? '';
    return `| ${name} | ${found === undefined ? 'no' : 'yes'} | ${deviations} |`;
  });
  return ['| operation | implemented | what is otherwise |', '| --- | --- | --- |', ...rows].join('\n');
}
