import { expect, test } from "bun:test";
import * as fc from "fast-check";
import { visible } from "../../src/cli/escaping.ts";
import { breakLines, inColumns, shorten, shortenBefore, sideBySide } from "../../src/cli/layout.ts";
import { HOSTILE_NAMES, UNSAFE_ON_TERMINAL } from "./hostile.ts";

test("sideBySide fills columns downwards, as ls does", () => {
  const names = ["a", "bb", "ccc", "d", "e", "f", "g"];

  expect(sideBySide(names, 14)).toEqual(["a    d    g", "bb   e", "ccc  f"]);
  expect(sideBySide(names, 3)).toEqual(names);
  expect(sideBySide(names, 80)).toEqual(["a    bb   ccc  d    e    f    g"]);
  expect(sideBySide([], 80)).toEqual([]);
});

test("sideBySide counts columns and not characters", () => {
  expect(sideBySide(["漢字", "ab", "é"], 12)).toEqual(["漢字  é", "ab"]);
});

test("sideBySide lays names out as if they had no colour", () => {
  const painted = sideBySide(["a", "bb"], 80, (name) => `<${name}>`);
  expect(painted).toEqual(["<a>   <bb>"]);
});

test("P6: hostile names stand in columns without doing anything", () => {
  for (const line of sideBySide(HOSTILE_NAMES.map(visible), 40)) {
    expect(line).not.toMatch(UNSAFE_ON_TERMINAL);
    expect(Bun.stringWidth(line)).toBeLessThanOrEqual(40);
  }
});

test.each([
  ["a.iso", 5, "a.iso"],
  ["a.iso", 4, "a.…o"],
  ["a.iso", 1, "…"],
  ["a.iso", 0, ""],
  ["漢字漢字", 5, "漢…字"],
  ["漢字漢字", 4, "漢…"],
])("shorten cuts %p to %p columns", (text, columns, short) => {
  expect(shorten(text, columns)).toBe(short);
});

test("shorten never exceeds its columns", () => {
  const texts = fc.string({ unit: "grapheme" }).map(visible);
  fc.assert(
    fc.property(texts, fc.nat(40), (text, columns) => {
      expect(Bun.stringWidth(shorten(text, columns))).toBeLessThanOrEqual(columns);
    }),
  );
});

test.each([
  ["Lists the verbs, or more", 11, ["Lists the", "verbs, or", "more"]],
  ["unbreakable words", 5, ["unbreakable", "words"]],
  ["as it is", Infinity, ["as it is"]],
  ["漢字 漢字", 8, ["漢字", "漢字"]],
])("breakLines breaks %p for %p columns between words", (text, columns, lines) => {
  expect(breakLines(text, columns)).toEqual(lines);
});

test("shortenBefore never exceeds its columns, and keeps the tail while there is room", () => {
  const texts = fc.string({ unit: "grapheme" }).map(visible);
  fc.assert(
    fc.property(texts, fc.nat(60), (text, columns) => {
      const short = shortenBefore(text, "; again in 4 s", columns);
      expect(Bun.stringWidth(short)).toBeLessThanOrEqual(columns);
      if (columns >= 30) expect(short).toEndWith("; again in 4 s");
    }),
  );
});

test("a table's columns are as wide as their widest cell, wide characters too", () => {
  expect(inColumns([["A", "B"], ["漢字", "b"], ["a"]])).toEqual(["A     B", "漢字  b", "a"]);
});
