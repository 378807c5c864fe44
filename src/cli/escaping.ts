/**
 * Text of others as it may be shown: what comes from a name, a peer or an error passes `visible`,
 * so nobody else can move the cursor or name the window; `formatJson` keeps it exact, and yet as
 * harmless.
 */
import { nameBytes } from "../base/path.ts";

/** C0, DEL, C1, direction marks and overrides, line separators, half characters, escaped bytes. */
const UNSAFE = /[\p{Cc}\p{Cs}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\u{10fe80}-\u{10feff}]/gu;

/** What JSON leaves as it is although a terminal does not. */
const UNSAFE_IN_JSON = /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/** Text of others as it may be shown: `\x1b` for what a terminal would act on. */
export function visible(text: string): string {
  return text.replace(UNSAFE, escapeCharacter);
}

/**
 * The same, and no two names look alike: a backslash is written twice. Between `$'` and `'` the
 * shells, ours too, read it back.
 */
export function unmistakable(name: string): string {
  return visible(name.replaceAll("\\", "\\\\"));
}

function escapeCharacter(character: string): string {
  const point = character.codePointAt(0) ?? 0;
  if (point < 0x80) return `\\x${hex(point, 2)}`;
  if (point <= 0xffff) return `\\u${hex(point, 4)}`;
  return `\\x${hex(nameBytes(character)[0] ?? 0, 2)}`;
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, "0");
}

/** One JSON object, in which every string is exact and nothing is for a terminal to act on. */
export function formatJson(value: Readonly<Record<string, unknown>>): string {
  return JSON.stringify(value).replace(
    UNSAFE_IN_JSON,
    (character) => `\\u${hex(character.charCodeAt(0), 4)}`,
  );
}
