import { expect, test } from "bun:test";
import { promptText } from "../../src/cli/prompt.ts";
import { UNSAFE_ON_TERMINAL } from "./hostile.ts";

const facts = {
  user: "ann",
  server: "files.example.org:9999",
  directory: "/backup/2026",
  freeBytes: 9_200_000_000,
};

test.each([
  [100, "ann@files.example.org:9999:/backup/2026 (9.2 GB free)> "],
  [70, "ann@files.example.org:9999:/backup/2026> "],
  [60, "ann@files.example.org:9999:/back…/2026> "],
  [40, "/backup/2026> "],
  [30, "/bac…026> "],
])("promptText leaves room to type in %p columns", (columns, prompt) => {
  expect(promptText(facts, columns)).toBe(prompt);
});

test("promptText says nothing of room that it does not know", () => {
  const unknown = { ...facts, freeBytes: undefined };
  expect(promptText(unknown, 100)).toBe("ann@files.example.org:9999:/backup/2026> ");
});

test("P6: promptText shows a hostile directory harmless", () => {
  const hostile = { ...facts, directory: "/\x1b[2J\u202e\r" };
  expect(promptText(hostile, 100)).not.toMatch(UNSAFE_ON_TERMINAL);
});

test("promptText is never empty, however narrow the terminal", () => {
  for (let columns = 1; columns < 120; columns += 1) {
    expect(promptText(facts, columns)).toEndWith("> ");
  }
});
