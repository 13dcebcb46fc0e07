/** The ids stem + first to stem + last, the last two hex digits counted up. */
export interface Run {
  readonly stem: string;
  readonly first: number;
  readonly last: number;
}

/** Two digits and not four: no stem has more than 256 ids, so a look at all that is known of one stays short. */
const DIGITS = 2;
const COUNTED = /[0-9a-f]{2}$/;

/** Where an id stands: its stem, and its place on it. */
export function placeOf(id: string): { readonly stem: string; readonly place: number } {
  // An id that ends otherwise stands alone. No id holds a space, so its stem is nobody else's.
  if (!COUNTED.test(id)) return { stem: `${id} `, place: 0 };
  return { stem: id.slice(0, -DIGITS), place: Number.parseInt(id.slice(-DIGITS), 16) };
}

/** The fewest runs that hold exactly these ids. */
export function runsOf(ids: readonly string[]): Run[] {
  const places = new Map<string, number[]>();
  for (const id of ids) {
    const { stem, place } = placeOf(id);
    const others = places.get(stem);
    if (others === undefined) places.set(stem, [place]);
    else others.push(place);
  }
  const runs: Run[] = [];
  for (const [stem, list] of places) {
    list.sort((a, b) => a - b);
    let first = list[0] ?? 0;
    let last = first;
    for (const place of list) {
      if (place > last + 1) {
        runs.push({ stem, first, last });
        first = place;
      }
      last = place;
    }
    runs.push({ stem, first, last });
  }
  return runs;
}
