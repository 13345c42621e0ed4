import { array, constantFrom, nat, record } from 'fast-check';
import type { Arbitrary } from 'fast-check';
import type { MemorySystem } from './memory-system.ts';
import { Refused } from './memory-tree.ts';
import type { MemoryTree } from './memory-tree.ts';

/** An edit names entries by number, so that whatever is there it means something; one that is refused is none. */
const edit = record({
  what: constantFrom(
    'unit',
    'user',
    'user',
    'group',
    'set',
    'move',
    'rename',
    'remove',
    'prune',
    'join',
    'join',
    'leave',
    'switch',
  ),
  on: nat(60),
  to: nat(60),
  name: constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'ü', "o'x"),
});
type Edit = typeof edit extends Arbitrary<infer Value> ? Value : never;

/** Lists of edits, for fast-check. */
export const edits = (most: number) => array(edit, { maxLength: most });

/** Users have one name in the whole tree, as a directory asks for. */
function nameIsFree(tree: MemoryTree, name: string): boolean {
  return [...tree.entries.values()].every((entry) => entry.name !== name);
}

/** Who is renamed keeps the address: another one who had it as well could not be matched. */
function mailIsFree(tree: MemoryTree, mail: string): boolean {
  return [...tree.entries.values()].every((entry) => !entry.attributes['mail']?.includes(mail));
}

function applyEdit(tree: MemoryTree, { what, on, to, name }: Edit): void {
  const paths = [...tree.entries.values()].map((entry) => tree.pathOf(entry)).sort();
  const units = ['', ...paths.filter((path) => /\/ou=[^/]*$/.test(path))];
  const groups = paths.filter((path) => path.includes('/cn='));
  const unit = units[to % units.length] ?? '';
  const path = paths[on % Math.max(1, paths.length)];
  const user = `uid=${name}${on % 7}`;
  const mail = `${name}${on % 7}@x.org`;
  if (what === 'unit') tree.add(`${unit}/ou=${name}`);
  else if (what === 'user' && nameIsFree(tree, user) && mailIsFree(tree, mail))
    tree.add(`${unit}/${user}`, { mail: [mail] });
  else if (what === 'group') tree.add(`${unit}/cn=${name}`);
  else if (path === undefined) return;
  else if (what === 'set')
    tree.set(path, { description: [name], displayName: to % 3 === 0 ? [] : [name, String(to)] });
  else if (what === 'move') tree.move(path, `${unit}/${path.slice(path.lastIndexOf('/') + 1)}`);
  else if (what === 'rename') {
    const kind = path.slice(path.lastIndexOf('/') + 1).split('=')[0] ?? '';
    const renamed = kind === 'uid' ? `uid=${name}${to % 7}` : `${kind}=${name}`;
    if (kind !== 'uid' || nameIsFree(tree, renamed))
      tree.move(path, `${path.slice(0, path.lastIndexOf('/'))}/${renamed}`);
  } else if (what === 'remove') tree.remove(path);
  else if (what === 'prune') tree.prune(path);
  else if (what === 'switch' && path.includes('/uid=')) tree.get(path).enabled = !tree.get(path).enabled;
  else {
    const group = groups[to % Math.max(1, groups.length)];
    if (group === undefined || group === path || /\/ou=[^/]*$/.test(path)) return;
    if (what === 'join') tree.addMember(group, path);
    if (what === 'leave') tree.removeMember(group, path);
  }
}

/** Carries out what of the edits is allowed. */
export function applyEdits(tree: MemoryTree, list: readonly Edit[]): void {
  for (const each of list) {
    try {
      applyEdit(tree, each);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
    }
  }
}

/** Attributes that the mapping of a kind knows, so that the trees can be compared as they are. */
export function trim(system: MemorySystem): void {
  for (const entry of system.tree.entries.values()) {
    if (entry.kind === 'user') delete entry.attributes['description'];
    else delete entry.attributes['displayName'];
  }
}
