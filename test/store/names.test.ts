import { expect, test } from "bun:test";
import * as fc from "fast-check";
import { Names, SortedNames } from "../../src/store/names.ts";

/** What a directory of Linux can hold: neither NUL nor a slash. */
const name = fc
  .uint8Array({ minLength: 1, maxLength: 6 })
  .map((bytes) => bytes.map((value) => (value === 0 || value === 0x2f ? 1 : value)));

test("names come in the order of their bytes, whatever the runs and the pages", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(name, { selector: (bytes) => bytes.join() }),
      fc.integer({ min: 1, max: 7 }),
      fc.integer({ min: 1, max: 9 }),
      async (all, runNames, pageNames) => {
        const texts = all.map((bytes) => Buffer.from(bytes).toString("latin1"));
        const sorted = await SortedNames.of(texts, runNames);
        const taken: Uint8Array[] = [];
        for (let page = sorted.take(pageNames); page.length > 0; page = sorted.take(pageNames)) {
          expect(page.length).toBeLessThanOrEqual(pageNames);
          taken.push(...page);
        }

        const inOrder = all.toSorted((a, b) => Buffer.compare(a, b));
        expect(taken.map((bytes) => Buffer.from(bytes).toString("hex"))).toEqual(
          inOrder.map((bytes) => Buffer.from(bytes).toString("hex")),
        );
        expect(sorted.take(1)).toEqual([]);
      },
    ),
  );
});

test("names that are not sorted come as they were given", () => {
  const names = Names.of([Uint8Array.of(0xff), Uint8Array.of(0x61), Uint8Array.of(0x62, 0x62)]);

  expect(names.take(2)).toEqual([Buffer.from([0xff]), Buffer.from("a")]);
  expect(names.take(5)).toEqual([Buffer.from("bb")]);
  expect(names.take(5)).toEqual([]);
});
