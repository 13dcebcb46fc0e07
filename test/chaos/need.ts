/** What a scenario asserts beside its books. */

export function need(condition: boolean, otherwise: string): asserts condition {
  if (!condition) throw new Error(otherwise);
}

/** Nothing may be in the list; the error shows some of what is. */
export function needNone(list: readonly unknown[], otherwise: string): void {
  need(list.length === 0, `${otherwise}: ${list.length}, such as ${list.slice(0, 5).map(String).join(', ')}`);
}
