/** Kinds of directory objects that the simulator holds. */
export type ObjectType = 'user' | 'group' | 'administrativeUnit';

/** One object of the tenant. It is changed by the Tenant only, so that every change reaches the change log. */
export interface DirectoryObject {
  readonly type: ObjectType;
  readonly id: string;
  /** Rises with each object made: lists page by it. */
  readonly ordinal: number;
  /** By the names of the API; a property that was never set is absent, one that was cleared is null. */
  readonly properties: Record<string, unknown>;
  /** Ids of direct members; they stay while a member is soft-deleted, so that restoring it restores them. */
  readonly members: Set<string>;
  readonly owners: Set<string>;
  managerId: string | undefined;
  /** ISO time of the soft delete. */
  deletedAt: string | undefined;
}

export const resourceNames: Readonly<Record<ObjectType, string>> = {
  user: 'User',
  group: 'Group',
  administrativeUnit: 'AdministrativeUnit',
};

/** `#microsoft.graph.user` and so on. */
export const odataType = (type: ObjectType): string => `#microsoft.graph.${type}`;

/** A Microsoft 365 group: such groups go to the deleted items, security groups do not. */
export function isUnified(object: DirectoryObject): boolean {
  const types = object.properties['groupTypes'];
  return Array.isArray(types) && types.includes('Unified');
}
