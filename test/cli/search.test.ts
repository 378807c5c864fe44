import { expect, test } from "bun:test";
import { HistorySearch } from "../../src/cli/search.ts";

const LINES = ["put a", "ls", "put b", "get c"];
const AGAIN = { name: "r", ctrl: true };

test("what is typed finds the latest line, and Ctrl-R older ones", () => {
  const search = new HistorySearch(LINES, "");
  for (const text of "put") expect(search.press(text, { name: text })).toBeTrue();
  expect(search.found).toBe("put b");
  search.press(undefined, AGAIN);
  expect(search.found).toBe("put a");
  search.press(undefined, AGAIN);
  expect(search.found).toBe("put a");
  search.press("\u007f", { name: "backspace" });
  expect([search.needle, search.found]).toEqual(["pu", "put b"]);
});

test("what stood in the line is looked for first, and Escape gives it back", () => {
  const search = new HistorySearch(LINES, "ls");
  expect(search.found).toBe("ls");
  search.press("x", { name: "x" });
  expect(search.found).toBe("ls");
  expect(search.press("\u001b", { name: "escape" })).toBeFalse();
  expect(search.found).toBe("ls");
});

test("any other key takes what was found", () => {
  const search = new HistorySearch(LINES, "g");
  expect(search.press(undefined, { name: "left" })).toBeFalse();
  expect(search.found).toBe("get c");
});
