/** Texts that somebody could type, paste or plant, for fuzzers of what reads texts. */
import type { Chance } from "../support/chance.ts";

/** What means something to one parser or another. */
const ATOMS = [
  '"',
  "'",
  '"""',
  "'''",
  "\\",
  String.raw`\u0041`,
  String.raw`\"`,
  "#",
  "[",
  "]",
  "{",
  "}",
  "=",
  ".",
  ",",
  ":",
  "/",
  "..",
  "@",
  "$",
  "%",
  "%2e",
  "%00",
  "*",
  "**",
  "?",
  "!",
  "-",
  "\n",
  "\r\n",
  "\r",
  "\t",
  " ",
  "\0",
  "\u001b[2J",
  "\u007f",
  "\u0085",
  "\u2028",
  "\u202e",
  "\ufeff",
  "\ufffd",
  "\ud800",
  "\udc00",
  "\u{10fe80}",
  "\u{10feff}",
  "é",
  "日",
  "😀",
  "a",
  "b",
  "users",
  "[users.root]",
  'a"]\n[users.root]\nadmin=true',
  "__proto__",
  "constructor",
  "9".repeat(20),
  "-1",
  "1e999",
  "nan",
  "0x7fffffffffffffff",
  "1979-05-27T07:32:00Z",
] as const;

/** A few of them, and characters of chance, up to so many. */
export function wildText(chance: Chance, partsMax = 8): string {
  let text = "";
  for (let parts = chance.below(partsMax + 1); parts > 0; parts -= 1) {
    text += chance.percent(70) ? chance.pick(ATOMS) : wildCharacter(chance);
  }
  return text;
}

/** A valid text changed in up to three places. */
export function spoiledText(text: string, chance: Chance): string {
  let spoiled = text;
  for (let changes = chance.between(1, 3); changes > 0; changes -= 1) {
    const start = chance.below(spoiled.length + 1);
    const end = chance.percent(50) ? start : start + chance.below(chance.pick([2, 4, 40]));
    const inserted = chance.percent(70) ? wildText(chance, 2) : spoiled.slice(chance.below(start));
    spoiled = spoiled.slice(0, start) + inserted.slice(0, 200) + spoiled.slice(end);
  }
  return spoiled;
}

function wildCharacter(chance: Chance): string {
  const end = chance.pick([0x80, 0x800, 0x1_0000, 0x11_0000]);
  return String.fromCodePoint(chance.below(end));
}
