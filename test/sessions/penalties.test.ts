import { expect, test } from "bun:test";
import {
  PENALTY_DOUBLED_AFTER_MS,
  PENALTY_FAILED_MS,
  PENALTY_MEMORY_MS,
  PENALTY_MS_MAX,
  PENALTY_MS_MIN,
} from "../../src/base/limits.ts";
import { Penalties } from "../../src/sessions/penalties.ts";
import { threadMs } from "../support/process.ts";

const FAILED = PENALTY_FAILED_MS;

test("A5: a source is shut out from 15 s of penalty on, until it has passed, and told of once", () => {
  const penalties = new Penalties(10);
  expect(penalties.add("a", FAILED, 0)).toBeUndefined();
  expect(penalties.add("a", FAILED, 0)).toBeUndefined();
  expect(penalties.remainingMs("a", 0)).toBe(0);
  expect(penalties.add("a", FAILED, 0)).toBe(PENALTY_MS_MIN);
  expect(penalties.add("a", FAILED, 0)).toBeUndefined();

  expect(penalties.remainingMs("a", 19_999)).toBe(1);
  expect(penalties.remainingMs("a", 20_000)).toBe(0);
  expect(penalties.remainingMs("b", 0)).toBe(0);
});

test("A5: who fails slowly is not shut out at first: a penalty passes as time does", () => {
  const penalties = new Penalties(10);
  for (let nowMs = 0; nowMs < 5 * FAILED; nowMs += FAILED) {
    expect(penalties.add("a", FAILED, nowMs)).toBeUndefined();
  }
});

test("A5: a penalty doubles with each 30 s of offences, and never exceeds ten minutes", () => {
  const penalties = new Penalties(10);
  const lengths: number[] = [];
  let nowMs = 0;
  for (let count = 0; count < 72; count += 1) {
    penalties.add("a", FAILED, nowMs);
    lengths.push(penalties.remainingMs("a", nowMs));
    // Each is waited for, enforced or not.
    nowMs += 10 * PENALTY_MS_MAX;
    if (nowMs > PENALTY_MEMORY_MS) nowMs = 0;
  }
  expect(Math.max(...lengths)).toBeLessThanOrEqual(PENALTY_MS_MAX);

  const steady = new Penalties(10);
  const added = [0, 6, 12, 18].map((count) => {
    for (let index = 0; index < count; index += 1) steady.add(`s${count}`, FAILED, 0);
    const before = steady.remainingMs(`s${count}`, 0);
    steady.add(`s${count}`, FAILED, 0);
    return steady.remainingMs(`s${count}`, 0) - before;
  });
  expect(PENALTY_DOUBLED_AFTER_MS / FAILED).toBe(6);
  expect(added.slice(1)).toEqual([2 * FAILED, 4 * FAILED, 8 * FAILED]);
});

test("A5: what a source has done is forgotten an hour after its penalty, and not before", () => {
  const shutAgain = (pauseMs: number) => {
    const penalties = new Penalties(10);
    for (let count = 0; count < 12; count += 1) penalties.add("a", FAILED, 0);
    const endMs = penalties.remainingMs("a", 0);
    return penalties.add("a", FAILED, endMs + pauseMs);
  };
  expect(shutAgain(PENALTY_MEMORY_MS - 2000)).toBe(4 * FAILED);
  expect(shutAgain(PENALTY_MEMORY_MS + 2000)).toBeUndefined();
});

test("A5: when there are too many sources, the one that is free soonest goes, and no longer one", () => {
  const penalties = new Penalties(100);
  for (let count = 0; count < 8; count += 1) penalties.add("busy", FAILED, 0);
  const busyMs = penalties.remainingMs("busy", 0);
  for (let index = 0; index < 5000; index += 1) penalties.add(`source ${index}`, FAILED, index);

  expect(penalties.size).toBe(100);
  expect(penalties.remainingMs("busy", 5000)).toBe(busyMs - 5000);
  expect([...penalties.shutOut(5000)]).toEqual(["busy"]);
});

test("a full table of sources costs little for each further one", () => {
  const penalties = new Penalties(1000);
  const beganMs = threadMs();
  for (let index = 0; index < 200_000; index += 1) penalties.add(`s${index}`, FAILED, index * 7);
  expect(penalties.size).toBe(1000);
  // Were it to look at all of them each time, it would take minutes.
  expect(threadMs() - beganMs).toBeLessThan(20_000);
});

test("sources that are forgotten leave nothing behind", () => {
  const penalties = new Penalties(10);
  for (let index = 0; index < 8; index += 1) penalties.add(`s${index}`, FAILED, 0);
  penalties.add("late", FAILED, PENALTY_MEMORY_MS + FAILED + 2000);
  expect(penalties.size).toBe(1);
  expect(penalties.add("new", 3 * FAILED, 9e9)).toBe(3 * FAILED);
  expect(penalties.size).toBe(1);
});
