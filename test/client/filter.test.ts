import { expect, test } from "bun:test";
import { filterOf, parseRule } from "../../src/client/filter.ts";

/** `+pattern` takes, `-pattern` leaves out. */
function filter(...rules: readonly string[]) {
  return filterOf(rules.map((rule) => parseRule(rule.slice(1), rule.startsWith("+"))));
}

test.each([
  [["-*.o"], "a.o", false, false],
  [["-*.o"], "d/a.o", false, false],
  [["-*.o"], "d/a.c", false, true],
  [["-*"], ".x", false, false],
  [["-/a"], "a", false, false],
  [["-/a"], "d/a", false, true],
  [["-d/a"], "d/a", false, false],
  [["-d/a"], "x/d/a", false, true],
  [["-**/d/a"], "x/d/a", false, false],
  [["-d/**"], "d", true, false],
  [["-d/*"], "d", true, true],
  [["-tmp/"], "tmp", false, true],
  [["-tmp/"], "x/tmp", true, false],
  [["+a.o", "-*.o"], "a.o", false, true],
  [["-*.o", "+a.o"], "a.o", false, false],
  [["-{a,b}"], "b", false, false],
] as const)(
  "with the rules %p, %p (a directory: %p) is taken: %p",
  (rules, path, isDirectory, isTaken) => {
    expect(filter(...rules)?.(path, isDirectory)).toBe(isTaken);
  },
);

test("rules of two lists are tried in the order in which they were read", () => {
  const [first, second] = [parseRule("a", true), parseRule("*", false)];

  expect(filterOf([second, first])?.("a", false)).toBe(true);
  expect(filterOf([])).toBeUndefined();
});
