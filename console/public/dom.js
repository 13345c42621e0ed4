/** @typedef {Node | string | number | null | undefined | false} Child */

/**
 * Makes an element. Text is always text and never markup. `on...` members are listeners; `true` sets a bare attribute,
 * `false`, null and undefined set none.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, unknown>} [properties]
 * @param {...(Child | Child[])} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (typeof value === 'function')
      element.addEventListener(name.slice(2), /** @type {EventListener} */ (value));
    else element.setAttribute(name, value === true ? '' : `${/** @type {string | number} */ (value)}`);
  }
  for (const child of children.flat()) {
    if (child === null || child === undefined || child === false) continue;
    element.append(child instanceof Node ? child : String(child));
  }
  return element;
}

/** @param {string} id */
export function byId(id) {
  const element = document.getElementById(id);
  if (element === null) throw new Error(`no element ${id}`);
  return element;
}

/** @param {string | null} iso */
export function showTime(iso) {
  return iso === null
    ? '–'
    : new Date(iso).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'medium' });
}

/** Words for the kinds, in the order of the tables. @type {Record<string, string>} */
export const kindNames = {
  user: 'Users',
  organizationalUnit: 'Organizational units',
  group: 'Groups',
  membership: 'Memberships',
};

/** @type {Record<string, string>} */
export const operationNames = {
  created: 'Created',
  updated: 'Updated',
  binded: 'Binded',
  deleted: 'Deleted',
  same: 'Same',
  pushed: 'Pushed',
  exported: 'Exported',
};

/** `12,345` as the reader's language writes it. @param {number} count */
export function showCount(count) {
  return count.toLocaleString();
}

/** @param {number} seconds */
export function showDuration(seconds) {
  const whole = Math.ceil(seconds);
  if (whole < 60) return `${whole} s`;
  return whole < 3600
    ? `${Math.floor(whole / 60)} min ${whole % 60} s`
    : `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}
