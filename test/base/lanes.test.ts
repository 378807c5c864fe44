import { expect, test } from "bun:test";
import { Lanes } from "../../src/base/lanes.ts";

test("so many go at once, the others in the order of asking", async () => {
  const lanes = new Lanes(2);
  const entered: number[] = [];
  const leaves = [1, 2, 3, 4].map(async (who) => {
    const leave = await lanes.enter();
    entered.push(who);
    return leave;
  });
  const first = await leaves[0];
  const second = await leaves[1];
  await Bun.sleep(1);
  expect(entered).toEqual([1, 2]);
  second?.();
  await Bun.sleep(1);
  expect(entered).toEqual([1, 2, 3]);
  first?.();
  await Bun.sleep(1);

  expect(entered).toEqual([1, 2, 3, 4]);
});
