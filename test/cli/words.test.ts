import { expect, test } from "bun:test";
import * as fc from "fast-check";
import {
  cursorOf,
  patternOfWord,
  plainWord,
  quoteWord,
  shellWord,
  splitWords,
} from "../../src/cli/words.ts";
import type { Quote } from "../../src/cli/words.ts";

test.each([
  ["", []],
  [" \t ", []],
  ["put a.iso b", ["put", "a.iso", "b"]],
  ["  put\ta.iso  ", ["put", "a.iso"]],
  [String.raw`get my\ file\ (1).iso`, ["get", "my file (1).iso"]],
  [`get "my file (1).iso"`, ["get", "my file (1).iso"]],
  [`get 'my file (1).iso'`, ["get", "my file (1).iso"]],
  [`get my' 'file" (1).iso"`, ["get", "my file (1).iso"]],
  [String.raw`a\\b \"c\" \'`, [String.raw`a\b`, '"c"', "'"]],
  [String.raw`"a\"b\\c\d"`, [String.raw`a"b\c\d`]],
  [String.raw`'a\b' 'it'\''s'`, [String.raw`a\b`, "it's"]],
  [`'' ""`, ["", ""]],
  [String.raw`$'a\x1b[2J\r\n\t\e\'\\'`, ["a\x1b[2J\r\n\t\x1b'\\"]],
  [String.raw`$'\u202e\U0001f4be'`, ["\u202e\u{1f4be}"]],
  [String.raw`$'bad\xff\xfe' $'\xc3\xa9'`, ["bad\u{10feff}\u{10fefe}", "é"]],
  ["$a a$'b' $", ["$a", "ab", "$"]],
])("splitWords reads %p as %p", (line, words) => {
  expect(splitWords(line)).toEqual(words);
});

test.each([
  [`get "my file`, 'no end of "'],
  ["get 'my file", "no end of '"],
  ["get $'my", "no end of $'"],
  [String.raw`get "a\"`, 'no end of "'],
  ["get a\\", String.raw`nothing behind the last \ `.trim()],
])("splitWords refuses %p", (line, reason) => {
  const refused = expect.objectContaining({ kind: "USAGE", details: { reason } });
  expect(() => splitWords(line)).toThrow(refused);
});

test.each([
  ["", [], "", 0, ""],
  ["ls", [], "ls", 0, ""],
  ["ls ", ["ls"], "", 3, ""],
  ["get my", ["get"], "my", 4, ""],
  [String.raw`get my\ `, ["get"], "my ", 4, ""],
  [String.raw`get my\ fi`, ["get"], "my fi", 4, ""],
  [`get "my fi`, ["get"], "my fi", 4, '"'],
  [`get "my `, ["get"], "my ", 4, '"'],
  ["get 'my fi", ["get"], "my fi", 4, "'"],
  [String.raw`get $'my\x1b`, ["get"], "my\x1b", 4, "$'"],
  ["get a\\", ["get"], "a", 4, ""],
  [`get "my fi"l`, ["get"], "my fil", 4, '"'],
  [`put "a b" c`, ["put", "a b"], "c", 10, ""],
])("cursorOf finds the word in which %p ends", (line, before, text, start, quote) => {
  expect(cursorOf(line)).toEqual({ before, text, start, quote: quote as Quote });
});

test.each([
  ["plain.iso", "", "plain.iso"],
  ["my file (1).iso", "", String.raw`my\ file\ (1).iso`],
  ["my file (1).iso", '"', `"my file (1).iso"`],
  ["my file (1).iso", "'", `'my file (1).iso'`],
  ["it's", "'", String.raw`'it'\''s'`],
  ['a"b\\c', '"', String.raw`"a\"b\\c"`],
  ["", "", "''"],
  ["*.iso", "", String.raw`\*.iso`],
  ["#note", "", String.raw`\#note`],
  ["\x1b[2J", "", String.raw`$'\x1b[2J'`],
  ["a\rb", '"', String.raw`$'a\x0db'`],
  ["bad\u{10feff}", "", String.raw`$'bad\xff'`],
  ["\u009b\u202e", "", String.raw`$'\u009b\u202e'`],
])("quoteWord writes %p in quote %p as %p", (name, quote, written) => {
  expect(quoteWord(name, quote as Quote)).toBe(written);
});

test("quoteWord leaves the quote of an unfinished word open", () => {
  expect(quoteWord("my fi", '"', true)).toBe('"my fi');
  expect(quoteWord("my fi", "'", true)).toBe("'my fi");
  expect(quoteWord("my fi", "", true)).toBe(String.raw`my\ fi`);
  expect(quoteWord("a\r", "", true)).toBe(String.raw`$'a\x0d`);
});

test.each([
  ["/srv/ftpx", "/srv/ftpx"],
  ["ssh-ed25519 AAAA ann@host", "'ssh-ed25519 AAAA ann@host'"],
  ["it's", String.raw`'it'\''s'`],
  ["a&b;c", "'a&b;c'"],
  ["", "''"],
  ["~", "'~'"],
  ["~root/a", "'~root/a'"],
  ["a=~", "'a=~'"],
  ["a\tb", String.raw`$'a\x09b'`],
  ["bad\u{10feff}", String.raw`$'bad\xff'`],
])("shellWord writes %p as %p, which the shell of this program reads too", (word, written) => {
  expect(shellWord(word)).toBe(written);
  expect(splitWords(written)).toEqual([word]);
});

test("splitWords reads back exactly what quoteWord wrote, in every quote", () => {
  const names = fc.string({ unit: "binary", minLength: 1 }).filter((name) => !name.includes("\0"));
  const quotes = fc.constantFrom<Quote>("", "'", '"', "$'");
  fc.assert(
    fc.property(names, quotes, (name, quote) => {
      expect(splitWords(`get ${quoteWord(name, quote)} x`)).toEqual(["get", name, "x"]);
    }),
  );
});

test("quoteWord writes nothing that a terminal acts on", () => {
  const names = fc.string({ unit: "binary" });
  fc.assert(
    fc.property(names, (name) => {
      expect(quoteWord(name)).not.toMatch(/[\p{Cc}\u202a-\u202e\u2066-\u2069]/u);
    }),
  );
});

test.each([
  ["a*", "a*"],
  ["'a*'", undefined],
  [String.raw`a\*`, undefined],
  ["'a*'*", String.raw`a\**`],
  ["a[b]{c,d}?", "a[b]{c,d}?"],
  [String.raw`'['*`, String.raw`\[*`],
  [String.raw`a\\*`, String.raw`a\\*`],
  [String.raw`$'\x2a'`, undefined],
  [String.raw`$'a\x00b'`, undefined],
])("of the word %p, what nothing quotes is a pattern: %p", (line, pattern) => {
  const [word = ""] = splitWords(line);

  expect(patternOfWord(word)).toBe(pattern);
});

test("a word without its marks is what it says, and a NUL in it stays", () => {
  expect(splitWords(String.raw`a*'?'[x] $'a\x00b'`).map(plainWord)).toEqual(["a*?[x]", "a\0b"]);
});
