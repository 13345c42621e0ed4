import type { PlannedChange } from '../../sync/planned-change.ts';
import { copyText } from '../bulk-copy.ts';
import { CopyText, jsonText } from '../copy-text.ts';
import { insertPlanned } from './insert-planned.ts';
import type { StagingContext } from './staging-tables.ts';

const columns = [
  'job_serial',
  'ordinal',
  'kind',
  'verb',
  'object_id',
  'external_id',
  'label',
  'parent_id',
  'before',
  'after',
  'keys',
  'expected_revision',
  'reference',
  'alias',
  'location',
  'scope',
  'fingerprint',
  'releases_link',
  'contribution',
  'named',
  'former_link',
  'result',
  'error_code',
  'error_message',
];

/** Planned changes on their way into the plan, encoded one by one: of thousands of images only the text is kept. */
export class PlanText {
  readonly #context: StagingContext;
  /** Values are scalars, and JSON that is text already. */
  readonly #text = new CopyText(columns.map(() => 'plain'));

  constructor(context: StagingContext) {
    this.#context = context;
  }

  add(ordinal: number, change: PlannedChange): void {
    const { link, outcome } = change;
    this.#text.add([
      this.#context.job.serial,
      ordinal,
      change.kind,
      change.verb,
      change.objectId,
      change.externalId,
      change.label,
      change.parentId ?? null,
      jsonText(change.before),
      jsonText(change.after),
      jsonText(change.keys),
      change.revision ?? null,
      link?.reference ?? null,
      link?.alias ?? null,
      link?.location ?? null,
      link?.scope ?? null,
      link?.fingerprint ?? null,
      change.releasesLink ?? false,
      jsonText(change.contribution),
      jsonText(link?.named),
      jsonText(change.formerLink),
      outcome?.result ?? null,
      outcome?.code ?? null,
      outcome?.message ?? null,
    ]);
  }

  /** Ships what was added so far. @throws LockstepError JobTakenOver */
  async ship(): Promise<void> {
    const chunks = this.#text.takeAll();
    await insertPlanned(this.#context, (trx) => copyText(trx, 'change', columns, chunks));
  }
}
