import { renderProperties } from '../odata/render.ts';
import { propertyTables } from '../odata/properties.ts';
import type { DirectoryObject, ObjectType } from './directory-object.ts';
import type { Tenant } from './tenant.ts';

/** A user to seed; properties by the names of the API. */
export interface SeedUser {
  readonly id?: string;
  readonly userPrincipalName: string;
  readonly displayName: string;
  readonly mailNickname?: string;
  readonly accountEnabled?: boolean;
  /** The userPrincipalName or id of another user, seeded before or with it. */
  readonly manager?: string;
  readonly [property: string]: unknown;
}

/** A group or administrative unit to seed. */
export interface SeedGroup {
  readonly id?: string;
  readonly displayName: string;
  /** userPrincipalNames of users, or ids of users and groups. */
  readonly members?: readonly string[];
  readonly [property: string]: unknown;
}

export interface Seed {
  readonly users?: readonly SeedUser[];
  readonly groups?: readonly SeedGroup[];
  readonly administrativeUnits?: readonly SeedGroup[];
}

/** An object as tests read it: all properties that were ever set, and its references as ids. */
export interface DirectoryRecord {
  readonly id: string;
  readonly type: ObjectType;
  readonly deleted: boolean;
  readonly properties: Readonly<Record<string, unknown>>;
  readonly members: readonly string[];
  readonly manager: string | undefined;
}

/** The directory for tests: changes by it are changes by somebody else, delta queries see them. */
export class Directory {
  readonly #tenant: Tenant;

  constructor(tenant: Tenant) {
    this.#tenant = tenant;
  }

  /** Adds objects, users first; references may point at any of them. Returns ids by userPrincipalName or displayName. */
  seed(seed: Seed): ReadonlyMap<string, string> {
    const ids = new Map<string, string>();
    for (const user of seed.users ?? []) ids.set(user.userPrincipalName, this.addUser(user).id);
    for (const user of seed.users ?? [])
      if (user.manager) this.setManager(user.userPrincipalName, user.manager);
    for (const group of seed.groups ?? [])
      ids.set(group.displayName, this.addGroup({ ...group, members: [] }).id);
    for (const group of seed.groups ?? [])
      for (const member of group.members ?? [])
        this.addMember(ids.get(group.displayName)!, ids.get(member) ?? member);
    for (const unit of seed.administrativeUnits ?? []) {
      const { id, members, ...properties } = unit;
      const object = this.#tenant.create('administrativeUnit', properties, id);
      ids.set(unit.displayName, object.id);
      for (const member of members ?? []) this.addMember(object.id, ids.get(member) ?? member);
    }
    return ids;
  }

  /** Without looking at its manager. */
  addUser({ id, ...user }: SeedUser): DirectoryRecord {
    const properties: Record<string, unknown> = { ...user };
    delete properties['manager'];
    const [mailNickname] = user.userPrincipalName.split('@');
    const defaults = { accountEnabled: true, userType: 'Member', assignedLicenses: [], mailNickname };
    return record(this.#tenant.create('user', { ...defaults, ...properties }, id), this.#tenant);
  }

  /** A security group when the properties do not say otherwise. */
  addGroup({ id, members, ...properties }: SeedGroup): DirectoryRecord {
    const defaults = {
      groupTypes: [],
      mailEnabled: false,
      securityEnabled: true,
      proxyAddresses: [],
      mailNickname: properties.displayName.replaceAll(/[^A-Za-z0-9.-]/g, '').slice(0, 64) || 'group',
    };
    const group = this.#tenant.create('group', { ...defaults, ...properties }, id);
    for (const member of members ?? []) this.addMember(group.id, member);
    return record(group, this.#tenant);
  }

  list(type: ObjectType): DirectoryRecord[] {
    return [...this.#tenant.list(type)].map((object) => record(object, this.#tenant));
  }

  listDeleted(type: ObjectType): DirectoryRecord[] {
    return [...this.#tenant.list(type, true)].map((object) => record(object, this.#tenant));
  }

  /** Users also by userPrincipalName; soft-deleted objects by id. */
  find(key: string): DirectoryRecord | undefined {
    const object = this.#tenant.findUser(key) ?? this.#tenant.findAny(key);
    return object && record(object, this.#tenant);
  }

  /** @throws Error when there is none. */
  get(key: string): DirectoryRecord {
    return record(this.#get(key), this.#tenant);
  }

  /** The first live group or administrative unit of that name. */
  findByName(type: ObjectType, displayName: string): DirectoryRecord | undefined {
    return this.list(type).find(({ properties }) => properties['displayName'] === displayName);
  }

  /** Sets properties; null clears one. */
  update(key: string, properties: Readonly<Record<string, unknown>>): void {
    this.#tenant.update(this.#get(key), properties);
  }

  /** To the deleted items, or for ever where there is no way back. */
  delete(key: string): void {
    this.#tenant.delete(this.#get(key));
  }

  restore(id: string): void {
    this.#tenant.restore(id);
  }

  /** For ever, live or deleted. */
  purge(key: string): void {
    this.#tenant.purge(this.#get(key));
  }

  addMember(group: string, member: string): void {
    this.#tenant.references.addMember(this.#get(group), this.#get(member));
  }

  removeMember(group: string, member: string): void {
    this.#tenant.references.removeMember(this.#get(group), this.#get(member));
  }

  /** undefined takes the manager away. */
  setManager(user: string, manager: string | undefined): void {
    this.#tenant.references.setManager(
      this.#get(user),
      manager === undefined ? undefined : this.#get(manager),
    );
  }

  #get(key: string): DirectoryObject {
    const object = this.#tenant.findUser(key) ?? this.#tenant.findAny(key);
    if (!object) throw new Error(`the simulated directory has no ${key}`);
    return object;
  }
}

function record(object: DirectoryObject, tenant: Tenant): DirectoryRecord {
  const names = Object.keys(object.properties).filter((name) =>
    Object.hasOwn(propertyTables[object.type], name),
  );
  return {
    id: object.id,
    type: object.type,
    deleted: object.deletedAt !== undefined,
    properties: renderProperties(object, names),
    members: tenant.references.members(object).map((member) => member.id),
    manager: tenant.references.manager(object)?.id,
  };
}
