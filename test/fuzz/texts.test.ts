import { expect, test } from "bun:test";
import { drawSeed } from "../support/chance.ts";
import { fuzzAccounts } from "./accounts.ts";
import { fuzzNotes } from "./notes.ts";
import { globOracle, pathOracle } from "./oracles.ts";
import { fuzzTexts, TRIALS } from "./texts.ts";

test("I2, I3, I6: accounts.toml of any text is refused, or edited in what was meant alone", () => {
  const { texts, edits, valid } = fuzzAccounts(drawSeed(), 200);

  expect(texts).toBe(200);
  expect([(edits ?? 0) > 200, (valid ?? 0) > 10]).toEqual([true, true]);
});

test("P1, P7, D5, I2, I6, A2, A10: texts of any kind are read back as they were, or refused", async () => {
  const counts = await fuzzTexts(drawSeed(), 200);

  expect(Object.keys(counts)).toEqual(Object.keys(TRIALS));
});

test("I2: notes of any text in the database are read back as they were", async () => {
  expect(await fuzzNotes(drawSeed(), 20)).toBe(20);
});

test.each([
  ["a", "BAD_PATH"],
  ["/", "/"],
  ["//a/./b/../", "/a"],
  ["/a/../..", "OUTSIDE_HOME"],
  [`/${"é".repeat(128)}`, "NAME_TOO_LONG"],
  ["/a\0", "BAD_PATH"],
  ["/\ud800", "BAD_PATH"],
])("the oracle says that path %p is %s", (text, outcome) => {
  expect(pathOracle(text)).toBe(outcome);
});

test("the oracle knows what a star may be", () => {
  const many = { kind: "many", written: "*" } as const;
  const letter = { kind: "letter", written: "a", letter: "a" } as const;
  const fits = ["a", "ba", "ab", ""].filter((text) => globOracle([many, letter], text));

  expect(fits).toEqual(["a", "ba"]);
});
