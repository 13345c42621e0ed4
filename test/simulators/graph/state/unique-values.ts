import { conflictingValue } from '../graph-error.ts';
import { isUnified, type DirectoryObject } from './directory-object.ts';

/** Properties whose values no two live objects share; `mail` becomes the primary of a user's proxyAddresses. */
type UniqueProperty = 'userPrincipalName' | 'proxyAddresses' | 'mailNickname';

/** Who holds which value that must be unique in the tenant, without regard to case. */
export class UniqueValues {
  readonly #holders = new Map<string, string>();

  holder(property: UniqueProperty, value: string): string | undefined {
    return this.#holders.get(keyOf(property, value));
  }

  /** @throws GraphError 400 when another object holds a value. */
  claim(object: DirectoryObject): void {
    const wanted = uniqueValues(object, object.properties);
    for (const [property, value] of wanted) {
      const holder = this.holder(property, value);
      if (holder !== undefined && holder !== object.id) throw conflictingValue(property);
    }
    for (const [property, value] of wanted) this.#holders.set(keyOf(property, value), object.id);
  }

  release(object: DirectoryObject): void {
    for (const [property, value] of uniqueValues(object, object.properties))
      if (this.holder(property, value) === object.id) this.#holders.delete(keyOf(property, value));
  }

  /** Claims what the object will have and lets go of what it had. @throws GraphError 400, as claim; nothing is changed then. */
  change(object: DirectoryObject, properties: Readonly<Record<string, unknown>>): void {
    const after = { ...object, properties: { ...object.properties, ...properties } };
    this.release(object);
    try {
      this.claim(after);
    } catch (error) {
      this.claim(object);
      throw error;
    }
  }
}

const keyOf = (property: UniqueProperty, value: string): string => `${property}:${value.toLowerCase()}`;

function uniqueValues(
  object: DirectoryObject,
  properties: Readonly<Record<string, unknown>>,
): [UniqueProperty, string][] {
  const values: [UniqueProperty, unknown][] = [];
  if (object.type === 'user') {
    values.push(
      ['userPrincipalName', properties['userPrincipalName']],
      ['proxyAddresses', properties['mail']],
    );
  }
  if (object.type === 'group' && isUnified(object)) values.push(['mailNickname', properties['mailNickname']]);
  return values.filter((pair): pair is [UniqueProperty, string] => typeof pair[1] === 'string');
}
