import { expect, test } from "bun:test";
import { allRows } from "../../src/client/pages.ts";

const keyOf = ({ id }: { id: number }) => id;

/** Pages of two, of the rows 1 to 5. */
async function pageBehind(after: number): Promise<{ id: number }[]> {
  return [1, 2, 3, 4, 5]
    .filter((id) => id > after)
    .slice(0, 2)
    .map((id) => ({ id }));
}

test("all rows of all pages come, in their order", async () => {
  const rows = await allRows(0, pageBehind, keyOf);
  expect(rows.map(keyOf)).toEqual([1, 2, 3, 4, 5]);
});

test("a list without rows is empty", async () => {
  expect(await allRows(0, async () => [], keyOf)).toEqual([]);
});

test("a server whose pages do not advance keeps nobody for ever", async () => {
  const rows = await allRows(0, async () => [{ id: 1 }, { id: 2 }], keyOf);
  expect(rows.map(keyOf)).toEqual([1, 2]);
});
