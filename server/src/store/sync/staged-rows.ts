import type { StagedObject } from '../../sync/sync-store.ts';
import { copyText } from '../bulk-copy.ts';
import { CopyText, jsonText } from '../copy-text.ts';
import type { StagingContext, StagingTable } from './staging-tables.ts';

const columns = {
  object: [
    'kind',
    'external_id',
    'object_id',
    'linked',
    'reference',
    'alias',
    'location',
    'scope',
    'fingerprint',
    'parents',
    'parent_reference',
    'depth',
    'label',
    'name',
    'name_key',
    'enabled',
    'attributes',
    'keys',
    'has_members',
    'error_code',
    'error_message',
  ],
  match_value: ['kind', 'external_id', 'rule', 'value'],
  member: ['group_external_id', 'reference', 'part'],
} as const satisfies Partial<Record<StagingTable, readonly string[]>>;

type Shipped = keyof typeof columns;

/** Values are scalars, and JSON that is text already. */
const textFor = (table: Shipped): CopyText => new CopyText(columns[table].map(() => 'plain'));

function objectRow(object: StagedObject): unknown[] {
  const { link, error } = object;
  return [
    object.kind,
    object.externalId,
    object.objectId,
    object.linked,
    link.reference,
    link.alias,
    link.location,
    link.scope,
    link.fingerprint,
    JSON.stringify(object.parents),
    object.parents[0] ?? '',
    object.parents.length,
    object.label,
    object.name,
    object.nameKey,
    object.enabled,
    JSON.stringify(object.attributes),
    jsonText(object.keys),
    object.members !== null,
    error?.code ?? null,
    error?.message ?? null,
  ];
}

/**
 * Staged objects with their match values and members on their way into the staging tables. They are encoded one by one:
 * of thousands that are under way only the text is kept.
 */
export class StagedRows {
  readonly #context: StagingContext;
  #texts: Readonly<Record<Shipped, CopyText>> = this.#emptyTexts();
  #waiting = 0;

  constructor(context: StagingContext) {
    this.#context = context;
  }

  add(object: StagedObject): void {
    this.#waiting += 1;
    const { kind, externalId, members, memberChanges } = object;
    const { object: objects, match_value: matchValues, member } = this.#texts;
    objects.add(objectRow(object));
    for (const { rule, value } of object.matchValues) matchValues.add([kind, externalId, rule, value]);
    for (const reference of members ?? []) member.add([externalId, reference, 'whole']);
    for (const reference of memberChanges?.added ?? []) member.add([externalId, reference, 'added']);
    for (const reference of memberChanges?.removed ?? []) member.add([externalId, reference, 'removed']);
  }

  /** Ships what was added so far, if it is so many objects; what comes meanwhile is for the next time. */
  async ship(least: number): Promise<void> {
    if (this.#waiting < least) return;
    const { store, tableName } = this.#context;
    const texts = this.#texts;
    this.#waiting = 0;
    this.#texts = this.#emptyTexts();
    await store.transaction(async (trx) => {
      for (const table of Object.keys(columns) as Shipped[]) {
        if (texts[table].isEmpty) continue;
        await copyText(trx, tableName(table), columns[table], texts[table].takeAll());
      }
    });
  }

  #emptyTexts(): Readonly<Record<Shipped, CopyText>> {
    return { object: textFor('object'), match_value: textFor('match_value'), member: textFor('member') };
  }
}
