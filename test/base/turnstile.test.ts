import { expect, test } from "bun:test";
import { Turnstile } from "../../src/base/turnstile.ts";
import { outcomeOf } from "../support/refusal.ts";

test("turns come one after the other, in the order of asking, also behind a failure", async () => {
  const turnstile = new Turnstile();
  const steps: string[] = [];
  const work = (name: string, isFailing = false) =>
    turnstile.run(async () => {
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
  const turnstile = new Turnstile();
  const giveBack = await turnstile.turn();
  const impatient = turnstile.turn(1);
  const patient = turnstile.turn(60_000);
  expect(await impatient).toBeUndefined();
  giveBack?.();

  expect(await patient).toBeFunction();
});
