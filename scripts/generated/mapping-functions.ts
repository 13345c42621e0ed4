import { mappingFunctions } from '../../server/src/mapping/functions.ts';

/** The table of functions of docs/mapping.md. */
export function renderMappingFunctions(): string {
  const rows = mappingFunctions.map(({ signature, description, example }) => {
    const shown = signature === 'any(list): bool' ? 'has(source.x): bool' : signature;
    return `| \`${shown}\` | ${description} | \`${example.replaceAll('|', '\\|')}\` |`;
  });
  return `| function | gives | example |\n| --- | --- | --- |\n${rows.join('\n')}\n`;
}
