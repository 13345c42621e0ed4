import type { Change } from '../state/change-log.ts';
import type { DirectoryObject, ObjectType } from '../state/directory-object.ts';
import type { Tenant } from '../state/tenant.ts';
import type { DeltaScope } from './tokens.ts';

/** A reference that was added or removed. */
export interface Reference {
  readonly id: string;
  readonly type: ObjectType;
  readonly added: boolean;
}

/** One object of a delta answer; its properties are read when its page is rendered. */
export interface DeltaRow {
  readonly id: string;
  /** Properties that changed; undefined: the object is new to the reader. */
  readonly changed: ReadonlySet<string> | undefined;
  readonly members: readonly Reference[];
  readonly manager: readonly Reference[];
}

const tracksAll = (scope: DeltaScope): boolean => scope.select === undefined;
const tracks = (scope: DeltaScope, name: string): boolean => scope.select?.includes(name) ?? false;
/** Members come by default when nothing is selected; managers only when selected. */
const tracksMembers = (scope: DeltaScope): boolean =>
  scope.type !== 'user' && (tracksAll(scope) || tracks(scope, 'members'));
const tracksManager = (scope: DeltaScope): boolean => scope.type === 'user' && tracks(scope, 'manager');

/** Rows of a first round: everything there is. */
export function initialRows(tenant: Tenant, scope: DeltaScope, withDeleted: boolean): DeltaRow[] {
  const unseen = new Set(
    tenant.log.waiting.filter((change) => change.verb === 'created').map((change) => change.id),
  );
  const objects = [...tenant.list(scope.type), ...(withDeleted ? tenant.list(scope.type, true) : [])];
  return objects
    .filter((object) => !unseen.has(object.id) && (scope.ids?.includes(object.id) ?? true))
    .map((object) => wholeRow(tenant, scope, object));
}

/** Rows of a later round: objects that changed in (since, until] in something that the scope tracks. */
export function changedRows(tenant: Tenant, scope: DeltaScope, since: number, until: number): DeltaRow[] {
  const byObject = new Map<string, Change[]>();
  for (const change of tenant.log.between(since, until)) {
    if (change.type !== scope.type || !(scope.ids?.includes(change.id) ?? true)) continue;
    const changes = byObject.get(change.id);
    if (changes) changes.push(change);
    else byObject.set(change.id, [change]);
  }
  return [...byObject]
    .map(([id, changes]) => changedRow(tenant, scope, id, changes))
    .filter((row) => row !== undefined);
}

const added = ({ id, type }: DirectoryObject): Reference => ({ id, type, added: true });

function wholeRow(tenant: Tenant, scope: DeltaScope, object: DirectoryObject): DeltaRow {
  const manager = tracksManager(scope) ? tenant.references.manager(object) : undefined;
  return {
    id: object.id,
    changed: undefined,
    members: tracksMembers(scope) ? tenant.references.members(object).map(added) : [],
    manager: manager ? [added(manager)] : [],
  };
}

function changedRow(
  tenant: Tenant,
  scope: DeltaScope,
  id: string,
  changes: readonly Change[],
): DeltaRow | undefined {
  const object = tenant.find(id);
  const whole = changes.some(({ verb }) => verb === 'created' || verb === 'restored');
  if (object && whole) return wholeRow(tenant, scope, object);
  const changed = new Set(changes.flatMap((change) => (change.verb === 'updated' ? change.properties : [])));
  const row = {
    id,
    changed,
    members: tracksMembers(scope) ? lastOfEach(changes, 'member') : [],
    manager: tracksManager(scope) ? lastOfEach(changes, 'manager') : [],
  };
  const gone = changes.some(({ verb }) => verb === 'deleted' || verb === 'purged');
  const seen = tracksAll(scope) ? changed.size > 0 : [...changed].some((name) => isSelected(scope, name));
  return gone || seen || row.members.length > 0 || row.manager.length > 0 ? row : undefined;
}

const isSelected = (scope: DeltaScope, name: string): boolean =>
  scope.select?.some((selected) => selected === name || selected.startsWith(`${name}/`)) ?? false;

/** What became of each reference in the end. */
function lastOfEach(changes: readonly Change[], verb: 'member' | 'manager'): Reference[] {
  const last = new Map<string, Reference>();
  for (const change of changes) {
    if (change.verb !== verb) continue;
    last.delete(change.related.id);
    last.set(change.related.id, { ...change.related, added: change.added });
  }
  return [...last.values()];
}
