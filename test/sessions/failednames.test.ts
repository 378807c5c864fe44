import { expect, test } from "bun:test";
import { NAME_FAILURES_MAX, NAME_GUARDED_MS } from "../../src/base/limits.ts";
import { FailedNames } from "../../src/sessions/failednames.ts";

test("A5: one source alone does not delay a name, several in turn do, longer each time", () => {
  const names = new FailedNames();
  for (let count = 0; count < 20; count += 1) names.add("ann", "a", 0);
  expect(names.remainingMs("ann", 0)).toBe(0);
  const delays = Array.from({ length: 9 }, (_hole, index) => {
    names.add("ann", index % 2 === 0 ? "b" : "a", 0);
    return names.remainingMs("ann", 0) / 1000;
  });

  expect(delays).toEqual([1, 2, 4, 8, 16, 32, 60, 60, 60]);
  expect(names.remainingMs("ann", 59_000)).toBe(1000);
  expect(names.remainingMs("ann", 0, 5000)).toBe(5000);
  expect(names.remainingMs("bob", 0)).toBe(0);
});

test("behind a shared source each failure is a turn", () => {
  const names = new FailedNames();
  for (let count = 0; count < 4; count += 1) names.add("ann", "a", 0, true);
  expect(names.remainingMs("ann", 0)).toBe(4000);
});

test("A5: after 100 failures in a row a name is guarded for a day, and told of once", () => {
  const names = new FailedNames();
  const told = Array.from({ length: NAME_FAILURES_MAX + 3 }, () => names.add("ann", "a", 0));
  expect(told.indexOf(true)).toBe(NAME_FAILURES_MAX - 1);
  expect(told.filter(Boolean).length).toBe(1);
  expect(names.guardedCount(0)).toBe(1);
  expect(names.remainingMs("ann", 1)).toBe(NAME_GUARDED_MS - 1);

  expect(names.remainingMs("ann", NAME_GUARDED_MS)).toBe(0);
  expect(names.guardedCount(NAME_GUARDED_MS)).toBe(0);
  expect(names.add("ann", "b", NAME_GUARDED_MS)).toBe(false);
  expect(names.remainingMs("ann", NAME_GUARDED_MS)).toBe(0);
});

test("a row that is broken begins anew", () => {
  const names = new FailedNames();
  for (let count = 0; count < 200; count += 1) names.add("ann", `${count}`, 0);
  names.forget("ann");
  names.forget("ann");

  expect(names.remainingMs("ann", 0)).toBe(0);
  expect(names.size).toBe(0);
});

test("A5: what is remembered is bounded, and the name with the fewest failures goes first", () => {
  const names = new FailedNames(50);
  for (const source of "ababab") names.add("ann", source, 0);
  for (let index = 0; index < 5000; index += 1) names.add(`name ${index}`, "c", 0);
  expect(names.size).toBe(50);
  expect(names.remainingMs("ann", 0)).toBe(16_000);
});

test("names that no account can have are counted as one, in whatever length they come", () => {
  const names = new FailedNames();
  for (let length = 33; length < 1000; length += 1) names.add("x".repeat(length), "a", 0);
  expect(names.size).toBe(1);
});
