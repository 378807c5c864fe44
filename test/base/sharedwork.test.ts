import { expect, test } from "bun:test";
import { SharedWork } from "../../src/base/sharedwork.ts";
import { outcomeOf } from "../support/refusal.ts";

/** Work that ends when it is told to, and counts how often it has begun. */
function held() {
  const ends: PromiseWithResolvers<void>[] = [];
  const work = (): Promise<void> => {
    const end = Promise.withResolvers<void>();
    ends.push(end);
    return end.promise;
  };
  return { ends, work };
}

test("those who ask in one turn share what begins then", async () => {
  const shared = new SharedWork();
  const { ends, work } = held();
  const all = Promise.all([1, 2, 3].map(() => shared.join("a", work)));
  expect(ends.length).toBe(0);
  await Bun.sleep(1);
  expect(ends.length).toBe(1);
  ends[0]?.resolve();

  await all;
});

test("nobody joins what has begun: it may have passed what he did before", async () => {
  const shared = new SharedWork();
  const { ends, work } = held();
  const first = shared.join("a", work);
  await Bun.sleep(1);
  const late = [shared.join("a", work), shared.join("a", work)];
  await Bun.sleep(1);
  expect(ends.length).toBe(1);
  ends[0]?.resolve();
  await first;
  await Bun.sleep(1);
  expect(ends.length).toBe(2);
  ends[1]?.resolve();

  await Promise.all(late);
});

test("a failure is heard by all who asked before it, and by nobody who comes after them", async () => {
  const shared = new SharedWork();
  const { ends, work } = held();
  const joined = [shared.join("a", work), shared.join("a", work)].map(outcomeOf);
  await Bun.sleep(1);
  // It may have passed what he did just before, and a sync tells of a failure only once.
  const meanwhile = outcomeOf(shared.join("a", work));
  ends[0]?.reject(new Error("no"));
  expect(await Promise.all([...joined, meanwhile])).toEqual([
    "Error: no",
    "Error: no",
    "Error: no",
  ]);
  const late = shared.join("a", work);
  await Bun.sleep(1);
  expect(ends.length).toBe(2);
  ends[1]?.resolve();

  await late;
});

test("what has another key is other work", async () => {
  const shared = new SharedWork();
  const { ends, work } = held();
  const both = [shared.join("a", work), shared.join("b", work)];
  await Bun.sleep(1);
  expect(ends.length).toBe(2);
  for (const end of ends) end.resolve();

  await Promise.all(both);
});
