import { expect, test } from "bun:test";
import { Queue } from "../../src/base/queue.ts";
import { outcomeOf } from "../support/refusal.ts";

test("turns come one after the other, in the order of asking, also behind a failure", async () => {
  const queue = new Queue();
  const steps: string[] = [];
  const work = (name: string, isFailing = false) =>
    queue.run(async () => {
      steps.push(`${name} begins`);
      await Bun.sleep(1);
      steps.push(`${name} ends`);
      if (isFailing) throw new Error("no");
    });
  await Promise.all([work("one"), outcomeOf(work("two", true)), work("three")]);

  const names = ["one", "two", "three"];
  expect(steps).toEqual(names.flatMap((name) => [`${name} begins`, `${name} ends`]));
});

test("whoever waits no longer gets no turn, and those behind get theirs", async () => {
  const queue = new Queue();
  const giveBack = await queue.turn();
  const impatient = queue.turn(1);
  const patient = queue.turn(60_000);
  expect(await impatient).toBeUndefined();
  giveBack?.();

  expect(await patient).toBeFunction();
});
