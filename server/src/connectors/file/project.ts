import type { ObjectKind } from '@lockstep/contract/vocabulary.ts';
import { firstText, type Attributes } from '../../directory/attributes.ts';
import { LockstepError } from '../../kernel/errors.ts';
import type { ExternalObject, Projected } from '../../sync/connector.ts';
import { fixedColumns } from './csv/record.ts';
import type { FileFormat } from './config.ts';
import { projectLdif } from './ldif/project.ts';

/** @throws LockstepError RequiredValueMissing; InvalidConfiguration for an attribute that cannot be a CSV column. */
export function project(
  format: FileFormat,
  kind: ObjectKind,
  attributes: Attributes,
  existing: ExternalObject | null,
): Projected {
  if (format === 'ldif') return projectLdif(kind, attributes, existing);
  if (format === 'csv') refuseFixedColumns(attributes);
  const name = firstText(attributes, 'name');
  if (name === undefined || name === '') {
    throw new LockstepError('RequiredValueMissing', 'no value for name', {
      field: 'name',
      remedy: 'Map a value to name.',
    });
  }
  const kept = Object.entries(attributes).filter(([, values]) => values.length > 0);
  return { name, attributes: { ...Object.fromEntries(kept), name: [name] } };
}

function refuseFixedColumns(attributes: Attributes): void {
  const wrong = fixedColumns.find((column) => column !== 'name' && Object.hasOwn(attributes, column));
  if (wrong === undefined) return;
  throw new LockstepError(
    'InvalidConfiguration',
    `the column ${wrong} is Lockstep's own and takes no attribute`,
    {
      field: wrong,
      remedy: 'Map to another name.',
    },
  );
}
