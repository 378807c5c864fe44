import { expect, test } from "bun:test";
import { ERRORS, FtpxError } from "../../src/base/errors.ts";
import type { ErrorKind } from "../../src/base/errors.ts";
import { RETRY_AFTER_MS_MAX } from "../../src/base/limits.ts";
import { isWorthRetrying, pauseBefore } from "../../src/client/retries.ts";

const LOST = new FtpxError("CONNECTION_LOST");
const ATTEMPTS = [1, 2, 3, 4, 5];

function pauses(reason: FtpxError, wasGood = false): number[] {
  return ATTEMPTS.map((attempt) => pauseBefore(attempt, { reason, wasGood, chance: 0.5 }));
}

test("five attempts to make a lost connection again span two minutes, each pause longer", () => {
  const all = pauses(LOST);

  expect(all.reduce((sum, ms) => sum + ms)).toBe(120_000);
  expect(all).toEqual(all.toSorted((a, b) => a - b));
  expect(pauses(new FtpxError("UNREACHABLE"))).toEqual(all);
});

test("a connection that was good a moment ago is made again at once, the first time", () => {
  expect(pauses(LOST, true)[0]).toBeLessThan(500);
  expect(pauses(LOST, true).slice(1)).toEqual(pauses(LOST).slice(1));
});

test("what another attempt mends does not wait for minutes", () => {
  expect(pauses(new FtpxError("SOURCE_CHANGED"))).toEqual([250, 500, 1000, 2000, 4000]);
});

test("clients do not come back in step", () => {
  const early = pauseBefore(3, { reason: LOST, wasGood: false, chance: 0 });
  const late = pauseBefore(3, { reason: LOST, wasGood: false, chance: 1 });

  expect([early, late]).toEqual([9000, 15_000]);
});

const asked = (retryAfterMs: number) => new FtpxError("UPLOAD_BUSY", { retryAfterMs });

test("what a server asks for is waited for, a minute at most", () => {
  expect(pauseBefore(1, { reason: asked(3000), wasGood: true })).toBe(3000);
  expect(pauseBefore(1, { reason: asked(8e12), wasGood: true })).toBe(RETRY_AFTER_MS_MAX);
});

test("a refusal is not tried again", () => {
  expect(isWorthRetrying(new FtpxError("FORBIDDEN"))).toBeFalse();
  expect(isWorthRetrying(new FtpxError("SERVER_ERROR"))).toBeFalse();
  expect(isWorthRetrying(new FtpxError("DRAINING"))).toBeTrue();
});

test("Q12: nothing is tried again but what another attempt may mend, by its exit status", () => {
  const kinds = Object.keys(ERRORS) as ErrorKind[];
  const retried = kinds.filter((kind) => isWorthRetrying(new FtpxError(kind)));

  expect(retried.length).toBeGreaterThan(0);
  for (const kind of retried) expect([69, 75]).toContain(ERRORS[kind].exit);
  for (const kind of ["QUOTA_EXCEEDED", "FILES_EXCEEDED", "DISK_FULL", "FORBIDDEN"] as const) {
    expect(retried).not.toContain(kind);
  }
});
