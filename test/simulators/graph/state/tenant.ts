import { randomUUID } from 'node:crypto';
import { notFound } from '../graph-error.ts';
import { ChangeLog } from './change-log.ts';
import { isUnified, type DirectoryObject, type ObjectType } from './directory-object.ts';
import { References } from './references.ts';
import { UniqueValues } from './unique-values.ts';

/** A domain name of the tenant. */
export interface Domain {
  readonly name: string;
  readonly isDefault?: boolean;
  readonly isInitial?: boolean;
  readonly isVerified?: boolean;
}

/** A product that the tenant has licences of. */
export interface SubscribedSku {
  readonly skuId: string;
  readonly skuPartNumber: string;
  readonly units: number;
}

export interface TenantSettings {
  readonly tenantId: string;
  readonly displayName: string;
  readonly domains: readonly Domain[];
  readonly skus: readonly SubscribedSku[];
  /** Security groups go to the deleted items too, as Microsoft 365 groups do. */
  readonly softDeleteSecurityGroups: boolean;
  readonly now: () => number;
}

/** Shared by all users: nobody is ever added to it. */
const noMembers = new Set<string>();

/** The directory of one organization: objects, their references, and the log of what changed. */
export class Tenant {
  readonly settings: TenantSettings;
  readonly log = new ChangeLog();
  readonly references: References;
  readonly #objects = new Map<string, DirectoryObject>();
  readonly #unique = new UniqueValues();
  #ordinal = 0;

  constructor(settings: TenantSettings) {
    this.settings = settings;
    this.references = new References(this.log, (id) => this.find(id));
  }

  /** ISO time without fractions, as the directory writes it. */
  timestamp(): string {
    return `${new Date(this.settings.now()).toISOString().slice(0, 19)}Z`;
  }

  /** A live or soft-deleted object. */
  findAny(id: string): DirectoryObject | undefined {
    return this.#objects.get(id);
  }

  /** A live object. */
  find(id: string): DirectoryObject | undefined {
    const object = this.#objects.get(id);
    return object?.deletedAt === undefined ? object : undefined;
  }

  /** A live user by id or userPrincipalName. */
  findUser(idOrName: string): DirectoryObject | undefined {
    const id = this.#unique.holder('userPrincipalName', idOrName) ?? idOrName;
    const object = this.find(id);
    return object?.type === 'user' ? object : undefined;
  }

  /** Objects in the order of their making. */
  *list(type: ObjectType, deleted = false): Generator<DirectoryObject, void> {
    for (const object of this.#objects.values())
      if (object.type === type && (object.deletedAt !== undefined) === deleted) yield object;
  }

  /** @throws GraphError 400 when a value that must be unique is taken. */
  create(
    type: ObjectType,
    properties: Readonly<Record<string, unknown>>,
    id: string = randomUUID(),
  ): DirectoryObject {
    this.#ordinal += 1;
    const object: DirectoryObject = {
      type,
      id,
      ordinal: this.#ordinal,
      properties: { createdDateTime: this.timestamp(), ...properties },
      members: type === 'user' ? noMembers : new Set(),
      owners: type === 'user' ? noMembers : new Set(),
      managerId: undefined,
      deletedAt: undefined,
    };
    this.#unique.claim(object);
    this.#objects.set(id, object);
    this.log.add({ type, id, verb: 'created' });
    return object;
  }

  /** Sets properties; those that have the value already are no change. @throws GraphError 400, as create. */
  update(object: DirectoryObject, properties: Readonly<Record<string, unknown>>): void {
    const changed = Object.keys(properties).filter(
      (name) => JSON.stringify(object.properties[name] ?? null) !== JSON.stringify(properties[name] ?? null),
    );
    if (changed.length === 0) return;
    this.#unique.change(object, properties);
    for (const name of changed) object.properties[name] = properties[name];
    this.log.add({ type: object.type, id: object.id, verb: 'updated', properties: changed });
  }

  /** Users and Microsoft 365 groups go to the deleted items, other objects for ever. */
  delete(object: DirectoryObject): void {
    const { type, id } = object;
    if (type === 'administrativeUnit') return this.purge(object);
    if (type === 'group' && !isUnified(object) && !this.settings.softDeleteSecurityGroups)
      return this.purge(object);
    this.references.hide(object);
    object.deletedAt = this.timestamp();
    this.#unique.release(object);
    this.log.add({ type, id, verb: 'deleted' });
  }

  /** @throws GraphError 404 when it is not among the deleted items, 400 when its name was taken meanwhile. */
  restore(id: string): DirectoryObject {
    const object = this.#objects.get(id);
    if (object?.deletedAt === undefined) throw notFound(id);
    this.#unique.claim(object);
    object.deletedAt = undefined;
    this.log.add({ type: object.type, id, verb: 'restored' });
    this.references.show(object);
    return object;
  }

  /** Deletes for ever, whether it is live or deleted. */
  purge(object: DirectoryObject): void {
    if (object.deletedAt === undefined) {
      this.references.hide(object);
      this.#unique.release(object);
    }
    this.references.forget(object);
    this.#objects.delete(object.id);
    this.log.add({ type: object.type, id: object.id, verb: 'purged' });
  }
}
