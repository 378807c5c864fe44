import { expect, test } from "bun:test";
import { Pace } from "../../src/client/pace.ts";

/** Milliseconds that so many waits of so many bytes take, one after the other. */
async function elapsedMs(pace: Pace, count: number, bytes: number): Promise<number> {
  const beganMs = performance.now();
  for (let wait = 0; wait < count; wait += 1) await pace.wait(bytes);
  return performance.now() - beganMs;
}

test("a quarter of a second's bytes go through at once, what is more is held back", async () => {
  const pace = new Pace(1_000_000);
  // The clock begins with the process, and nothing was saved up before that.
  await Bun.sleep(Math.max(0, 260 - performance.now()));

  expect(await elapsedMs(pace, 10, 20_000)).toBeLessThan(40);
  expect(await elapsedMs(pace, 10, 20_000)).toBeGreaterThan(100);
});

test("in the long run no more bytes go through than the limit allows", async () => {
  const pace = new Pace(10_000_000);
  await pace.wait(2_500_000);
  const ms = await elapsedMs(pace, 30, 100_000);

  expect(ms).toBeGreaterThan(290);
  expect(ms).toBeLessThan(600);
});

test("transfers that share a limit have it together", async () => {
  const pace = new Pace(10_000_000);
  await pace.wait(2_500_000);
  const beganMs = performance.now();
  await Promise.all([1, 2, 3].map(() => elapsedMs(pace, 5, 100_000)));

  expect(performance.now() - beganMs).toBeGreaterThan(140);
});

test("a long pause saves up no more than a quarter of a second", async () => {
  const pace = new Pace(1_000_000);
  await pace.wait(250_000);
  await Bun.sleep(300);

  expect(await elapsedMs(pace, 1, 400_000)).toBeGreaterThan(140);
});
