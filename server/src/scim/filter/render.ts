import { renderAttributePath } from '../path/attribute-path.ts';
import type { Filter, FilterValue } from './ast.ts';

/** The text of a filter; parsing it gives the same filter. */
export function renderFilter(filter: Filter): string {
  if ('operands' in filter) {
    return filter.operands.map((operand) => renderOperand(operand, filter.kind)).join(` ${filter.kind} `);
  }
  if (filter.kind === 'not') return `not (${renderFilter(filter.operand)})`;
  const path = renderAttributePath(filter.path);
  if (filter.kind === 'present') return `${path} pr`;
  if (filter.kind === 'compare') return `${path} ${filter.operator} ${renderFilterValue(filter.value)}`;
  return `${path}[${renderFilter(filter.filter)}]`;
}

/** Parentheses where the operand would otherwise be read as part of what is around it. */
function renderOperand(operand: Filter, within: 'and' | 'or'): string {
  const binds = operand.kind === 'and' && within === 'or';
  const chain = operand.kind === 'and' || operand.kind === 'or';
  return chain && !binds ? `(${renderFilter(operand)})` : renderFilter(operand);
}

export function renderFilterValue(value: FilterValue): string {
  // JSON has no -0: it would be read as 0.
  return JSON.stringify(value);
}
