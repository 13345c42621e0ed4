import type { ChangeLog } from './change-log.ts';
import type { DirectoryObject } from './directory-object.ts';

/** Memberships and managers of a tenant, with the way back: who is member of what, who reports to whom. */
export class References {
  readonly #log: ChangeLog;
  readonly #find: (id: string) => DirectoryObject | undefined;
  readonly #groupsOf = new Map<string, Set<DirectoryObject>>();
  readonly #reportsOf = new Map<string, Set<DirectoryObject>>();

  constructor(log: ChangeLog, find: (id: string) => DirectoryObject | undefined) {
    this.#log = log;
    this.#find = find;
  }

  /** Live direct members in the order of their joining. */
  members(group: DirectoryObject): DirectoryObject[] {
    return [...group.members].map((id) => this.#find(id)).filter((member) => member !== undefined);
  }

  /** Live members of groups within groups too, each once. */
  transitiveMembers(group: DirectoryObject): DirectoryObject[] {
    const seen = new Map<string, DirectoryObject>();
    const walk = (of: DirectoryObject): void => {
      for (const member of this.members(of)) {
        if (seen.has(member.id)) continue;
        seen.set(member.id, member);
        if (member.type === 'group') walk(member);
      }
    };
    walk(group);
    return [...seen.values()];
  }

  /** Live groups and administrative units that it is a direct member of. */
  memberOf(object: DirectoryObject): DirectoryObject[] {
    return [...(this.#groupsOf.get(object.id) ?? [])].filter((group) => group.deletedAt === undefined);
  }

  directReports(object: DirectoryObject): DirectoryObject[] {
    return [...(this.#reportsOf.get(object.id) ?? [])].filter((report) => report.deletedAt === undefined);
  }

  manager(user: DirectoryObject): DirectoryObject | undefined {
    return user.managerId === undefined ? undefined : this.#find(user.managerId);
  }

  isMember(group: DirectoryObject, member: DirectoryObject): boolean {
    return group.members.has(member.id);
  }

  addMember(group: DirectoryObject, member: DirectoryObject): void {
    if (group.members.has(member.id)) return;
    group.members.add(member.id);
    setOf(this.#groupsOf, member.id).add(group);
    this.#logMember(group, member, true);
  }

  removeMember(group: DirectoryObject, member: DirectoryObject): void {
    if (!group.members.delete(member.id)) return;
    this.#groupsOf.get(member.id)?.delete(group);
    this.#logMember(group, member, false);
  }

  /** Sets the manager; undefined takes it away. */
  setManager(user: DirectoryObject, manager: DirectoryObject | undefined): void {
    if (user.managerId === manager?.id) return;
    const before = this.manager(user);
    if (user.managerId !== undefined) this.#reportsOf.get(user.managerId)?.delete(user);
    user.managerId = manager?.id;
    if (before) this.#logManager(user, before, false);
    if (!manager) return;
    setOf(this.#reportsOf, manager.id).add(user);
    this.#logManager(user, manager, true);
  }

  /** Others stop seeing an object that is about to be deleted. */
  hide(object: DirectoryObject): void {
    for (const group of this.memberOf(object)) this.#logMember(group, object, false);
    for (const report of this.directReports(object)) this.#logManager(report, object, false);
  }

  /** Others see an object again that was restored. */
  show(object: DirectoryObject): void {
    for (const group of this.memberOf(object)) this.#logMember(group, object, true);
    for (const report of this.directReports(object)) this.#logManager(report, object, true);
  }

  /** Takes an object out of all references: it will not come back. */
  forget(object: DirectoryObject): void {
    for (const group of this.#groupsOf.get(object.id) ?? []) group.members.delete(object.id);
    for (const report of this.#reportsOf.get(object.id) ?? []) report.managerId = undefined;
    for (const id of object.members) this.#groupsOf.get(id)?.delete(object);
    if (object.managerId !== undefined) this.#reportsOf.get(object.managerId)?.delete(object);
    this.#groupsOf.delete(object.id);
    this.#reportsOf.delete(object.id);
  }

  #logMember(group: DirectoryObject, member: DirectoryObject, added: boolean): void {
    const related = { id: member.id, type: member.type };
    this.#log.add({ type: group.type, id: group.id, verb: 'member', related, added });
  }

  #logManager(user: DirectoryObject, manager: DirectoryObject, added: boolean): void {
    const related = { id: manager.id, type: manager.type };
    this.#log.add({ type: user.type, id: user.id, verb: 'manager', related, added });
  }
}

function setOf(map: Map<string, Set<DirectoryObject>>, id: string): Set<DirectoryObject> {
  let set = map.get(id);
  if (!set) map.set(id, (set = new Set()));
  return set;
}
