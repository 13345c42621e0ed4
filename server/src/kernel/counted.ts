/** `1 record has`, `2 records have`: a number with the words for one and for several. */
export function counted(count: number, one: string, several: string): string {
  return `${count} ${count === 1 ? one : several}`;
}
