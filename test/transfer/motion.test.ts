import { expect, test } from "bun:test";
import { parsePath } from "../../src/base/path.ts";
import { Motion } from "../../src/transfer/motion.ts";

test("a motion tells how far, how fast and since when it stands still", () => {
  let doneBytes = 1000;
  const motion = new Motion("upload", parsePath("/f"), 5000, () => doneBytes, 0);
  expect([motion.doneBytes, motion.rate(100), motion.lastMovedMs]).toEqual([1000, 0, 0]);
  motion.moved(500, 500);
  motion.moved(500, 900);
  doneBytes = 2000;

  expect([motion.doneBytes, motion.rate(1000), motion.lastMovedMs]).toEqual([2000, 1000, 900]);
  const later = motion.rate(2000);
  expect(later).toBeWithin(1, 1000);
  expect(motion.rate(60_000)).toBeLessThan(1);
  expect(motion.outcome).toBe("interrupted");
});
