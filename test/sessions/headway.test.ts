import { expect, test } from "bun:test";
import { PROGRESS_BYTES_MIN, PROGRESS_MS_MAX } from "../../src/base/limits.ts";
import { Headway } from "../../src/sessions/headway.ts";
import type { Transfer } from "../../src/sessions/transfers.ts";

class Still {
  isPeersTurn = true;
  readonly kinds: string[] = [];
  revoke({ kind }: { kind: string }): void {
    this.kinds.push(kind);
  }
}

const asTransfers = (...all: Still[]) => all as unknown as Transfer[];

/** Looks every second, as the server does. */
function watch(headway: Headway, transfers: Transfer[], fromMs: number, toMs: number): void {
  for (let nowMs = fromMs; nowMs <= toMs; nowMs += 1000) headway.watch(transfers, nowMs);
}

test("D3, R8: a transfer that stands still while it is the peer's turn ends", () => {
  const headway = new Headway(0);
  const still = new Still();
  watch(headway, asTransfers(still), 0, PROGRESS_MS_MAX);
  expect(still.kinds).toEqual([]);
  watch(headway, asTransfers(still), PROGRESS_MS_MAX, PROGRESS_MS_MAX + 1000);

  expect(still.kinds).toEqual(["TRANSFER_STALLED"]);
});

test("R8: a byte a second is no progress", () => {
  const headway = new Headway(performance.now());
  const dribble = new Still();
  const startMs = performance.now();
  // All of them now, so that a rule that counts from the last byte would not end it.
  for (let count = 1; count < PROGRESS_BYTES_MIN; count += 1) headway.moved(1);
  watch(headway, asTransfers(dribble), startMs, startMs + PROGRESS_MS_MAX + 2000);

  expect(dribble.kinds).not.toEqual([]);
});

test("while one transfer of a session moves the others may wait behind it", async () => {
  const headway = new Headway(performance.now());
  const waiting = new Still();
  const startMs = performance.now();
  headway.watch(asTransfers(waiting), startMs);
  await Bun.sleep(20);
  headway.moved(PROGRESS_BYTES_MIN);
  headway.watch(asTransfers(waiting), startMs + PROGRESS_MS_MAX + 10);

  expect(waiting.kinds).toEqual([]);
});

test("what waits for the server is never late, and its time begins with the peer's turn", () => {
  const headway = new Headway(0);
  const transfer = new Still();
  transfer.isPeersTurn = false;
  watch(headway, asTransfers(transfer), 0, 2 * PROGRESS_MS_MAX);
  transfer.isPeersTurn = true;
  watch(headway, asTransfers(transfer), 2 * PROGRESS_MS_MAX + 1000, 3 * PROGRESS_MS_MAX);

  expect(transfer.kinds).toEqual([]);
});
