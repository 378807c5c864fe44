import { expect, test } from "bun:test";
import { FtpxError } from "../../src/base/errors.ts";
import { SendWindow } from "../../src/transfer/window.ts";
import { refusal } from "../support/refusal.ts";
import { turn } from "../support/socket.ts";

/** How a claim stands at the end of the turn. */
async function outcomeOf(claim: Promise<void>): Promise<string> {
  const outcome = claim.then(
    () => "claimed",
    (error: { kind?: string }) => error.kind ?? "a defect",
  );
  await turn();
  return await Promise.race([outcome, Promise.resolve("waits")]);
}

test("a claim within the window is granted at once", async () => {
  const window = new SendWindow(10, 100);

  expect(await outcomeOf(window.claim(4))).toBe("claimed");
  expect(await outcomeOf(window.claim(6))).toBe("claimed");
  expect(window.acknowledgedOffset).toBe(100);
});

test("a claim beyond the window waits until enough was acknowledged", async () => {
  const window = new SendWindow(10, 100);
  await window.claim(10);
  const claim = window.claim(5);
  expect(await outcomeOf(claim)).toBe("waits");
  window.acknowledge(104);
  expect(await outcomeOf(claim)).toBe("waits");
  window.acknowledge(105);

  expect(await outcomeOf(claim)).toBe("claimed");
});

test("a claim of the whole window is granted when nothing is in flight", async () => {
  const window = new SendWindow(10, 0);
  await window.claim(1);
  const claim = window.claim(10);
  expect(await outcomeOf(claim)).toBe("waits");
  window.acknowledge(1);

  expect(await outcomeOf(claim)).toBe("claimed");
});

test.each([
  ["what was never sent", 105],
  ["far beyond", Number.MAX_SAFE_INTEGER],
  ["what goes back", 101],
  ["what lies before the start", 0],
])("acknowledging %s is refused and changes nothing", async (_case, offset) => {
  const window = new SendWindow(10, 100);
  await window.claim(4);
  window.acknowledge(102);

  expect(() => window.acknowledge(offset)).toThrow(refusal("OUT_OF_RANGE"));
  expect(window.acknowledgedOffset).toBe(102);
});

test("the same acknowledgement twice is harmless", async () => {
  const window = new SendWindow(10, 0);
  await window.claim(10);
  window.acknowledge(10);
  window.acknowledge(10);

  expect(await outcomeOf(window.claim(10))).toBe("claimed");
});

test("a failure ends a claim that waits, and every later one, with the first reason", async () => {
  const window = new SendWindow(10, 0);
  await window.claim(10);
  const claim = window.claim(1);
  const outcome = outcomeOf(claim);
  window.fail(new FtpxError("TAKEN_OVER"));
  window.fail(new FtpxError("CONNECTION_LOST"));

  expect(await outcome).toBe("TAKEN_OVER");
  expect(await outcomeOf(window.claim(0))).toBe("TAKEN_OVER");
});
