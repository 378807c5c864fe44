import { expect, test } from "bun:test";
import { LISTED_BYTES_MAX, LIST_PAGE_ENTRIES_MAX, LISTS_MAX } from "../../src/base/limits.ts";
import { Listings } from "../../src/sessions/listings.ts";
import type { Entry, Listing } from "../../src/store/store.ts";
import { refusal } from "../support/refusal.ts";

/** As slow as a disk, and it may not be asked again before it has answered, nor when it is closed. */
class Slow implements Listing {
  isClosed = false;
  heldBytes = 0;
  #left: number;
  #given = 0;
  #isBusy = false;

  constructor(count: number) {
    this.#left = count;
  }

  async next(entriesMax: number): Promise<Entry[]> {
    if (this.isClosed || this.#isBusy) throw new Error("asked at the wrong time");
    this.#isBusy = true;
    await new Promise((resolve) => setImmediate(resolve));
    const count = Math.min(entriesMax, this.#left);
    this.#left -= count;
    this.#isBusy = false;
    const facts = { kind: "file", bytes: 0, modifiedMs: 0 } as const;
    return Array.from({ length: count }, () => ({ name: `${(this.#given += 1)}`, ...facts }));
  }

  async close(): Promise<void> {
    this.isClosed = true;
  }
}

test("pages that are asked for at once come in their order, and none behind the last", async () => {
  const listings = new Listings();
  const slow = new Slow(2 * LIST_PAGE_ENTRIES_MAX + 5);
  const first = await listings.begin(slow);
  const asked = [1, 2, 3, 4].map(() => listings.next(first.cursor));
  const outcomes = await Promise.allSettled(asked);

  const names = outcomes.map((outcome) =>
    outcome.status === "fulfilled" ? outcome.value.entries[0]?.name : outcome.reason.kind,
  );
  expect(names).toEqual(["801", "1601", "LIST_EXPIRED", "LIST_EXPIRED"]);
  expect(slow.isClosed).toBe(true);
});

test("one listing too many ends the oldest, a page of it under way or not", async () => {
  const listings = new Listings();
  const first = await listings.begin(new Slow(10_000));
  for (let count = 1; count < LISTS_MAX; count += 1) await listings.begin(new Slow(10_000));
  expect((await listings.next(first.cursor)).cursor).toBe(first.cursor);
  await listings.begin(new Slow(10_000));

  expect(listings.next(first.cursor)).rejects.toThrow(refusal("LIST_EXPIRED"));
});

test("D6: listings that hold many names end the oldest, and never the one that begins", async () => {
  const listings = new Listings();
  const [first, second] = [new Slow(10_000), new Slow(10_000)];
  first.heldBytes = second.heldBytes = LISTED_BYTES_MAX;
  await listings.begin(first);
  expect(first.isClosed).toBe(false);
  await listings.begin(second);

  expect([first.isClosed, second.isClosed]).toEqual([true, false]);
});
