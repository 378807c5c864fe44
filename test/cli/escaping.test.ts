import { expect, test } from "bun:test";
import * as fc from "fast-check";
import { nameText } from "../../src/base/path.ts";
import { formatJson, unmistakable, visible } from "../../src/cli/escaping.ts";
import { splitWords } from "../../src/cli/words.ts";
import { HOSTILE_NAMES, UNSAFE_ON_TERMINAL } from "./hostile.ts";

test.each([
  ["\x1b[2J\x1b]0;pwn\x07", String.raw`\x1b[2J\x1b]0;pwn\x07`],
  ["a\rb", String.raw`a\x0db`],
  ["a\nb\tc\0", String.raw`a\x0ab\x09c\x00`],
  ["bidi\u202egnp.exe\u2066", String.raw`bidi\u202egnp.exe\u2066`],
  ["c1\u009b2J\x7f", String.raw`c1\u009b2J\x7f`],
  [nameText(Uint8Array.of(0x62, 0xff, 0xfe)), String.raw`b\xff\xfe`],
  ["half \ud83d", String.raw`half \ud83d`],
  ["my file (1).iso é 💾 \\", "my file (1).iso é 💾 \\"],
])("P6: visible shows %p as %p", (name, shown) => {
  expect(visible(name)).toBe(shown);
});

test("P6: visible leaves nothing that a terminal acts on, whatever the text", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      expect(visible(text)).not.toMatch(UNSAFE_ON_TERMINAL);
    }),
  );
});

test.each(HOSTILE_NAMES)("P6: JSON keeps %p exact and harmless", (name) => {
  const line = formatJson({ name });

  expect(JSON.parse(line)).toEqual({ name });
  expect(line).not.toMatch(UNSAFE_ON_TERMINAL);
});

test("P6: no two names look alike where they are listed", () => {
  const names = ["a\nb", String.raw`a\x0ab`, "a\u{10feff}", String.raw`a\xff`, "\\", "\\\\"];
  const shown = names.map(unmistakable);

  expect(new Set(shown).size).toBe(names.length);
  expect(shown.slice(0, 2)).toEqual([String.raw`a\x0ab`, String.raw`a\\x0ab`]);
  expect(shown.map((text) => splitWords(`$'${text}'`)[0])).toEqual(names);
});
