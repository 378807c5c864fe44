import { expect, test } from "bun:test";
import { fitsWindows } from "../../src/base/windowsnames.ts";

test.each([
  "..\\..\\x",
  "a/..\\b",
  "C:",
  "f:stream",
  "f::$DATA",
  "con",
  "NUL.txt",
  "a.",
  "a ",
  "a\x1f",
])("P1: %p means something else on Windows", (name) => {
  expect(fitsWindows(name)).toBe(false);
});

test.each(["a", "a.b", "..a", "contact", "é", "com10", "a~1", "$x", "(1)"])(
  "%p is a name on Windows",
  (name) => {
    expect(fitsWindows(name)).toBe(true);
  },
);
