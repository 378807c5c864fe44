/**
 * Lists that a server tells in pages: each is asked for behind the last row of the one before,
 * and an empty one ends. Listings of directories have cursors instead (remotetree.ts).
 */

/**
 * All rows, in the order of their keys.
 *
 * @param first comes before every key
 * @param pageBehind asks for the rows behind a key
 */
export async function allRows<Row, Key extends string | number>(
  first: Key,
  pageBehind: (after: Key) => Promise<readonly Row[]>,
  keyOf: (row: Row) => Key,
): Promise<Row[]> {
  const all: Row[] = [];
  let after = first;
  for (;;) {
    const rows = await pageBehind(after);
    const last = rows.at(-1);
    // A server whose pages do not advance would keep us here for ever.
    if (last === undefined || keyOf(last) <= after) return all;
    all.push(...rows);
    after = keyOf(last);
  }
}
