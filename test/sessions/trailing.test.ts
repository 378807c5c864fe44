import { expect, test } from "bun:test";
import { TRANSFERS_MAX } from "../../src/base/limits.ts";
import type { Transfer } from "../../src/sessions/transfers.ts";
import { Trailing } from "../../src/sessions/trailing.ts";
import { SendWindow } from "../../src/transfer/window.ts";
import { refusal } from "../support/refusal.ts";

async function sent(bytes: number): Promise<Transfer> {
  const window = new SendWindow(1e6, 0);
  await window.claim(bytes);
  return {
    acknowledge: (offset: number) => window.acknowledge(offset),
    get unacknowledgedBytes() {
      return window.openBytes;
    },
  } as unknown as Transfer;
}

test("acknowledgements that were on their way are worth what they acknowledge, once", async () => {
  const trailing = new Trailing();
  trailing.keep(7, await sent(1000));

  expect(trailing.acknowledge(7, 400)).toBe(400);
  expect(trailing.acknowledge(7, 400)).toBe(0);
  expect(trailing.acknowledge(7, 1000)).toBe(600);
  expect(trailing.acknowledge(7, 1000)).toBe(0);
  expect(trailing.acknowledge(8, 1000)).toBe(0);
});

test("what was never sent is not acknowledged", async () => {
  const trailing = new Trailing();
  trailing.keep(7, await sent(1000));

  expect(() => trailing.acknowledge(7, 1001)).toThrow(refusal("OUT_OF_RANGE"));
});

test("only so many are known as can be open, the last ones", async () => {
  const trailing = new Trailing();
  for (let id = 1; id <= TRANSFERS_MAX + 1; id += 1) trailing.keep(id, await sent(1000));

  expect(trailing.acknowledge(1, 1000)).toBe(0);
  expect(trailing.acknowledge(2, 1000)).toBe(1000);
});
