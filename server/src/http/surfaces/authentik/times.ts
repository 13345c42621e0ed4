/** RFC 3339 with microseconds, of which the last three digits are always zero here. */
export function renderTime(time: Date | string): string {
  const text = typeof time === 'string' ? new Date(time).toISOString() : time.toISOString();
  return text.replace(/Z$/, '000Z');
}
