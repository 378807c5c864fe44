import { expect, test } from "bun:test";
import { Crossing } from "../../src/base/crossing.ts";
import { outcomeOf } from "../support/refusal.ts";
import { withChance } from "../support/chance.ts";

/** Work that says when it begins and ends, and lasts until it is told to end. */
function steps() {
  const said: string[] = [];
  const ends = new Map<string, () => void>();
  const work = (name: string) => async (): Promise<void> => {
    said.push(`${name}+`);
    await new Promise<void>((resolve) => ends.set(name, resolve));
    said.push(`${name}-`);
  };
  const end = async (name: string): Promise<void> => {
    ends.get(name)?.();
    await Bun.sleep(0);
  };
  return { said, work, end };
}

test("work at different places goes on side by side, at one place one after the other", async () => {
  const crossing = new Crossing();
  const { said, work, end } = steps();
  const all = ["a", "b", "a"].map((place, index) => crossing.runAt(place, work(place + index)));
  await Bun.sleep(0);
  expect(said).toEqual(["a0+", "b1+"]);
  await end("a0");
  expect(said).toEqual(["a0+", "b1+", "a0-", "a2+"]);
  await end("b1");
  await end("a2");

  await Promise.all(all);
});

test("work on the whole goes alone: behind what was asked for before it, before what is asked for later", async () => {
  const crossing = new Crossing();
  const { said, work, end } = steps();
  const all = [
    crossing.runAt("a", work("before")),
    crossing.run(work("whole")),
    crossing.runAt("b", work("behind")),
  ];
  await Bun.sleep(0);
  expect(said).toEqual(["before+"]);
  await end("before");
  expect(said).toEqual(["before+", "before-", "whole+"]);
  await end("whole");
  expect(said.slice(3)).toEqual(["whole-", "behind+"]);
  await end("behind");

  await Promise.all(all);
});

const fail = () => Promise.reject(new Error("no"));

test("a failure holds nobody up", async () => {
  const crossing = new Crossing();
  const failing = [crossing.run(fail), crossing.runAt("a", fail), crossing.run(fail)];
  const outcomes = await Promise.all(failing.map(outcomeOf));
  expect(outcomes).toEqual(["Error: no", "Error: no", "Error: no"]);

  expect(await crossing.runAt("a", () => Promise.resolve(1))).toBe(1);
});

test("whatever is asked for, no two meet that must not, and all of it is done", async () => {
  await withChance(async (chance) => {
    const crossing = new Crossing();
    const active: string[] = [];
    let done = 0;
    const work = (place: string) => async (): Promise<void> => {
      const meets = place === "" ? active : active.filter((other) => ["", place].includes(other));
      expect(meets).toEqual([]);
      active.push(place);
      await Bun.sleep(0);
      active.splice(active.indexOf(place), 1);
      done += 1;
    };
    const asked = Array.from({ length: 60 }, () => chance.pick(["", "a", "b", "c"]));
    await Promise.all(
      asked.map((place) =>
        place === "" ? crossing.run(work("")) : crossing.runAt(place, work(place)),
      ),
    );

    expect(done).toBe(asked.length);
  });
});
