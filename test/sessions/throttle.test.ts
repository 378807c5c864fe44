import { expect, test } from "bun:test";
import { NAME_FAILURES_MAX, NAME_GUARDED_MS } from "../../src/base/limits.ts";
import { sourceOf } from "../../src/sessions/sources.ts";
import { Throttle } from "../../src/sessions/throttle.ts";
import type { Knock } from "../../src/sessions/throttle.ts";

const TEN_MINUTES_MS = 600_000;

function knock(user: string, source: string, more: Partial<Knock> = {}): Knock {
  return { user, source, method: "password", isShared: false, ...more };
}

/** Fails as often as it is let, at this pace. @returns how often that was */
function guess(throttle: Throttle, next: (count: number) => Knock, everyMs: number): number {
  let judged = 0;
  for (let nowMs = 0, count = 0; nowMs < TEN_MINUTES_MS; nowMs += everyMs, count += 1) {
    const one = next(count);
    if (throttle.waitMs(one, nowMs) > 0) continue;
    judged += 1;
    throttle.failed(one, nowMs);
  }
  return judged;
}

const ONE_SOURCE: readonly ((count: number) => Knock)[] = [
  () => knock("ann", "a"),
  (count) => knock(`user${count % 1000}`, "a"),
  (count) => knock("ann", sourceOf(`2001:db8::${(count % 65_536).toString(16)}`)),
  () => knock("ann", "a", { method: "key" }),
];

test.each([10, 60, 1000, 4000, 5000, 5100, 10_000, 15_000])(
  "A5: of guesses from one source each %p ms at most 40 in ten minutes are judged",
  (everyMs) => {
    for (const next of ONE_SOURCE) {
      expect(guess(new Throttle(), next, everyMs)).toBeLessThanOrEqual(40);
    }
  },
);

test("A5: the owner signs in from another address meanwhile, known there or not", () => {
  const throttle = new Throttle();
  throttle.succeeded(knock("ann", "home"));
  guess(throttle, () => knock("ann", "a"), 60);

  expect(throttle.waitMs(knock("ann", "a"), TEN_MINUTES_MS)).toBeGreaterThan(0);
  expect(throttle.waitMs(knock("ann", "home"), TEN_MINUTES_MS)).toBe(0);
  expect(throttle.waitMs(knock("ann", "elsewhere"), TEN_MINUTES_MS)).toBe(0);
});

test("A5: many sources that guess at one account are slowed together, names without account alike", () => {
  for (const user of ["ann", "nobody"]) {
    const throttle = new Throttle();
    const judged = guess(throttle, (count) => knock(user, `source ${count}`), 100);
    expect(judged).toBeLessThanOrEqual(20);
  }
});

test("A5: after 100 failures in a row only keys and known sources get in, for a day", () => {
  const throttle = new Throttle();
  throttle.succeeded(knock("ann", "home"));
  let nowMs = 0;
  let guardedCount = 0;
  for (let count = 0; count < NAME_FAILURES_MAX; count += 1) {
    const one = knock("ann", `source ${count}`);
    nowMs += throttle.waitMs(one, nowMs);
    if (throttle.failed(one, nowMs).isGuarded) guardedCount += 1;
  }
  expect(guardedCount).toBe(1);
  expect(throttle.counts(nowMs)).toEqual({ sources: 0, names: 1 });
  const stranger = knock("ann", "elsewhere");
  expect(throttle.waitMs(stranger, nowMs)).toBe(NAME_GUARDED_MS);
  expect(throttle.waitMs(knock("ann", "elsewhere", { method: "key" }), nowMs)).toBe(0);
  expect(throttle.waitMs(knock("ann", "home"), nowMs)).toBe(0);
  // A success of who is known proves nothing about the others.
  throttle.succeeded(knock("ann", "home"));
  expect(throttle.waitMs(stranger, nowMs)).toBeGreaterThan(0);

  expect(throttle.waitMs(stranger, nowMs + NAME_GUARDED_MS)).toBe(0);
  throttle.changed("ann", false);
  expect(throttle.waitMs(stranger, nowMs)).toBe(0);
  expect(throttle.closedMs("home", nowMs)).toBe(0);
});

test("who has signed in from somewhere is not kept out by strangers there, nor they by it", () => {
  const throttle = new Throttle();
  throttle.succeeded(knock("ann", "school"));
  for (let count = 0; count < 5; count += 1) throttle.failed(knock("bob", "school"), 0);
  expect(throttle.waitMs(knock("cem", "school"), 0)).toBeGreaterThan(0);
  expect(throttle.waitMs(knock("ann", "school"), 0)).toBe(0);
  expect(throttle.closedMs("school", 0)).toBe(0);

  const judged = guess(throttle, () => knock("ann", "school"), 60);
  expect(judged).toBeLessThanOrEqual(40);
});

test("a regular hears what a stranger would hear, so the answer does not tell who is one", () => {
  const throttle = new Throttle();
  throttle.succeeded(knock("ann", "school"));
  for (let count = 0; count < 4; count += 1) throttle.failed(knock("bob", "school"), 0);
  const waitMs = throttle.waitMs(knock("nobody", "school"), 0);
  expect(throttle.strangerWaitMs(knock("ann", "school"), 0)).toBe(waitMs);
});

test("another password makes everybody a stranger, another quota nobody", () => {
  const throttle = new Throttle();
  throttle.succeeded(knock("ann", "home"));
  for (let count = 0; count < 4; count += 1) throttle.failed(knock("bob", "home"), 0);
  throttle.changed("ann", false);
  expect(throttle.waitMs(knock("ann", "home"), 0)).toBe(0);
  throttle.changed("ann", true);
  expect(throttle.waitMs(knock("ann", "home"), 0)).toBeGreaterThan(0);
});

test("a shared source gets no penalty, and guesses at an account there are slowed all the same", () => {
  const throttle = new Throttle();
  const shared = { isShared: true };
  throttle.succeeded(knock("ann", "tunnel", shared));
  const judged = guess(throttle, () => knock("ann", "tunnel", shared), 60);
  expect(judged).toBeLessThanOrEqual(20);
  expect(throttle.waitMs(knock("bob", "tunnel", shared), TEN_MINUTES_MS)).toBe(0);
});

test("A5: a flood of IPv6 networks makes no penalty of an IPv4 address be forgotten", () => {
  const throttle = new Throttle();
  for (let count = 0; count < 8; count += 1) throttle.offended("192.0.2.1", "late", 0);
  const closedMs = throttle.closedMs("192.0.2.1", 0);
  for (let index = 0; index < 70_000; index += 1) {
    throttle.offended(sourceOf(`2001:db8:0:${index.toString(16)}::1`), "late", 0);
    throttle.offended(sourceOf(`2001:db8:0:${index.toString(16)}::1`), "late", 0);
  }
  expect(throttle.closedMs("192.0.2.1", 0)).toBe(closedMs);
});

test("D2: who is late is shut out by the second time, who only looks not for many times", () => {
  const throttle = new Throttle();
  expect(throttle.offended("a", "late", 0)).toBeUndefined();
  expect(throttle.offended("a", "late", 0)).toBe(20_000);
  for (let count = 0; count < 60; count += 1) {
    expect(throttle.offended("class", "look", 0)).toBeUndefined();
  }
  const told = Array.from({ length: 200 }, () => throttle.offended("flood", "look", 0));
  expect(told.filter((ms) => ms !== undefined).length).toBe(1);
});
