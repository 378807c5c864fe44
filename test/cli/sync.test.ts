import { expect, test } from "bun:test";
import { remoteIndex } from "../../src/cli/verbs/sync.ts";
import { refusal } from "../support/refusal.ts";

test.each([
  ["./a", "host", 1],
  ["a", "ann@host/b", 1],
  ["/a", "host/b", 1],
  ["src", "host/b", 1],
  ["ftpx://host/a", "b", 0],
  ["ann@host", "b", 0],
  ["host/a", "./b", 0],
  ["host:9999/a", "..", 0],
  ["host/a", "src", 0],
  ["~/a", "[::1]/b", 1],
])("of %p and %p, number %p is on the server", (first, second, index) => {
  expect(remoteIndex([first, second])).toBe(index);
});

test.each([
  ["./a", "/b"],
  ["src", "test"],
  ["ann@host", "ftpx://host/b"],
  ["host/a", "other"],
])("of %p and %p nobody knows", (first, second) => {
  expect(() => remoteIndex([first, second])).toThrow(refusal("USAGE"));
});
