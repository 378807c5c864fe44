import { expect, test } from "bun:test";
import * as fc from "fast-check";
import { escapeGlob, isGlob, matchesNames, parseGlob } from "../../src/base/glob.ts";
import { GLOB_ALTERNATIVES_MAX } from "../../src/base/limits.ts";

function fits(pattern: string, path: string, hasDots = false): boolean {
  const names = path.split("/").filter((name) => name !== "");
  return parseGlob(pattern).some(({ segments }) => matchesNames(segments, names, hasDots));
}

test.each([
  ["*", "a", true],
  ["*", "", false],
  ["*", ".a", false],
  [".*", ".a", true],
  ["[.]a", ".a", false],
  ["?a", ".a", false],
  ["*.txt", "a.txt", true],
  ["*.txt", ".txt", false],
  ["a*", "a", true],
  ["*a*b*", "xxaxxbxx", true],
  ["*a*b*", "xxbxxaxx", false],
  ["*ab", "aab", true],
  ["a?c", "abc", true],
  ["a?c", "ac", false],
  ["?", "😀", true],
  ["[😀-😂]", "😁", true],
  ["[a-c]x", "bx", true],
  ["[a-c]x", "dx", false],
  ["[!a-c]x", "dx", true],
  ["[^a-c]x", "bx", false],
  ["[]a]", "]", true],
  ["[!]a]", "b", true],
  ["[a-]", "-", true],
  ["[a", "[a", true],
  ["a]", "a]", true],
  ["{a,b}.txt", "b.txt", true],
  ["{a,b}.txt", "c.txt", false],
  ["{a,{b,c}d}", "cd", true],
  ["{a}", "{a}", true],
  ["{a,b", "{a,b", true],
  ["x{,y}", "x", true],
  ["{a/b,c}/d", "a/b/d", true],
  [String.raw`\*`, "*", true],
  [String.raw`\*`, "a", false],
  [String.raw`[\]]`, "]", true],
  [String.raw`\{a,b\}`, "{a,b}", true],
  ["a\\", "a\\", true],
  ["a/*", "a/b", true],
  ["a/*", "a/b/c", false],
  ["**", "a/b/c", true],
  ["a/**/c", "a/c", true],
  ["a/**/c", "a/x/y/c", true],
  ["a/**/c", "a/x/.y/c", false],
  ["**/*.c", "x/y/z.c", true],
  ["a**b", "axxb", true],
  ["\u00e9", "e\u0301", false],
])("the pattern %p and the path %p: %p", (pattern, path, expected) => {
  expect(fits(pattern, path)).toBe(expected);
});

test("where dots are names like others, a pattern matches them", () => {
  expect(fits("*", ".a", true)).toBe(true);
  expect(fits("**/c", ".a/c", true)).toBe(true);
});

test.each([
  ["a.txt", false],
  ["a*", true],
  ["a{b,c}", true],
  ["[a", true],
  ["a]}", false],
  [String.raw`\*\?\[a]`, false],
])("isGlob(%p) is %p", (pattern, expected) => {
  expect(isGlob(pattern)).toBe(expected);
});

test("escaped text matches itself and is no pattern", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme", minLength: 1 }), (text) => {
      const name = text.replaceAll("/", "");
      if (name === "") return;
      expect(isGlob(escapeGlob(name))).toBe(false);
      expect(fits(escapeGlob(name), name)).toBe(true);
    }),
  );
});

/** The obvious matcher, which takes for ever on the wrong pattern. */
function oracle(pattern: string, name: string): boolean {
  if (pattern === "") return name === "";
  if (pattern.startsWith("*")) {
    return oracle(pattern.slice(1), name) || (name !== "" && oracle(pattern, name.slice(1)));
  }
  if (name === "") return false;
  return (
    (pattern.startsWith("?") || pattern[0] === name[0]) && oracle(pattern.slice(1), name.slice(1))
  );
}

test("stars and question marks agree with the obvious matcher", () => {
  const pattern = fc.string({
    unit: fc.constantFrom("a", "b", "*", "?"),
    minLength: 1,
    maxLength: 8,
  });
  const name = fc.string({ unit: fc.constantFrom("a", "b"), minLength: 1, maxLength: 9 });
  fc.assert(
    // `**` alone is about directories.
    fc.property(pattern, name, (text, word) => {
      if (text !== "**") expect(fits(text, word)).toBe(oracle(text, word));
    }),
    { numRuns: 3000 },
  );
});

test("D5: 10,000 names of 255 characters are matched without a blow-up", () => {
  const name = "a".repeat(255);
  for (const pattern of [
    `${"*a".repeat(100)}*b`,
    `${"*a".repeat(100)}*b*`,
    `*${"a?".repeat(99)}b*`,
  ]) {
    const [alternative] = parseGlob(pattern);
    for (let index = 0; index < 1000; index += 1) {
      expect(alternative?.segments[0]?.matches(name)).toBe(false);
    }
  }
});

test("D5: braces beyond their bound are refused, and soon", () => {
  const refused = expect.objectContaining({ kind: "USAGE" });
  expect(() => parseGlob("{a,b}".repeat(2000))).toThrow(refused);
  expect(parseGlob("{a,b}".repeat(8))).toHaveLength(GLOB_ALTERNATIVES_MAX);
  expect(parseGlob("{".repeat(4000))).toHaveLength(1);
  expect(() => parseGlob("{{a,b},".repeat(500))).toThrow(refused);
});
