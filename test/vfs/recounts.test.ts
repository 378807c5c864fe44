import { expect, test } from "bun:test";
import { Recounts } from "../../src/vfs/recounts.ts";

/** Counts that end when the test says so. */
class Counting {
  readonly begun: string[] = [];
  readonly failed: string[] = [];
  readonly #open = new Map<string, PromiseWithResolvers<void>>();
  readonly recounts = new Recounts(
    (user) => this.#count(user),
    (user) => this.failed.push(user),
  );

  async end(user: string, failure?: Error): Promise<void> {
    const counting = this.#open.get(user);
    if (failure === undefined) counting?.resolve();
    else counting?.reject(failure);
    await Bun.sleep(0);
  }

  #count(user: string): Promise<void> {
    this.begun.push(user);
    const counting = Promise.withResolvers<void>();
    this.#open.set(user, counting);
    return counting.promise;
  }
}

test("homes are counted one after the other, and all of them are", async () => {
  const counting = new Counting();
  counting.recounts.add("al", "ann");
  counting.recounts.add("bob");
  expect(counting.begun).toEqual(["al"]);
  for (const user of ["al", "ann", "bob"]) await counting.end(user);

  expect(counting.begun).toEqual(["al", "ann", "bob"]);
  expect(await counting.recounts.stop()).toBe(true);
});

test("a stop waits for the home under way, begins no further one, and says what is left", async () => {
  const counting = new Counting();
  counting.recounts.add("al", "ann");
  let outcome: boolean | undefined;
  const stopping = counting.recounts.stop().then((all) => (outcome = all));
  await Bun.sleep(0);
  expect(outcome).toBeUndefined();
  await counting.end("al");

  expect(await stopping).toBe(false);
  expect(counting.begun).toEqual(["al"]);
});

test("a home that becomes due while it is counted is counted once more", async () => {
  const counting = new Counting();
  counting.recounts.add("ann");
  counting.recounts.add("ann");
  counting.recounts.add("ann");
  await counting.end("ann");
  await counting.end("ann");

  expect(counting.begun).toEqual(["ann", "ann"]);
  expect(await counting.recounts.settled()).toBe(true);
});

test("a home that cannot be counted is told of, and the others are counted", async () => {
  const counting = new Counting();
  counting.recounts.add("al", "ann");
  await counting.end("al", new Error("disk"));
  await counting.end("ann");

  expect(counting.failed).toEqual(["al"]);
  expect(counting.begun).toEqual(["al", "ann"]);
  expect(await counting.recounts.stop()).toBe(false);
});

test("a home that goes is not counted, nor being counted any more", async () => {
  const counting = new Counting();
  counting.recounts.add("al", "ann");
  await counting.recounts.forget("ann");
  let isForgotten = false;
  const forgetting = counting.recounts.forget("al").then(() => (isForgotten = true));
  await Bun.sleep(0);
  expect(isForgotten).toBe(false);
  await counting.end("al");
  await forgetting;

  expect(counting.begun).toEqual(["al"]);
  expect(await counting.recounts.stop()).toBe(true);
});
