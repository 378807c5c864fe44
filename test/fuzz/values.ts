/**
 * Values for the rows of the table that are nearly right: a valid one with a field, or a field of
 * a field, that is something else of its kind. What cannot be written at all is not written.
 */
import { encodeBody } from "../../src/wire/shape.ts";
import type { Shape } from "../../src/wire/shape.ts";
import type { Chance } from "../support/chance.ts";

/** I7: every edge of a number of four or eight bytes; what is negative is written as it wraps. */
const NUMBERS = [
  -1,
  0,
  1,
  255,
  4096,
  65_535,
  65_536,
  2 ** 31 - 1,
  2 ** 31,
  2 ** 32 - 1,
  2 ** 32,
  2 ** 53 - 1,
  2 ** 53,
  2 ** 63,
] as const;

/** P1, P10 and what else a text may hold that is none, or is meant as something else. */
const TEXTS = [
  "",
  "/",
  "//",
  "/..",
  "/../x",
  "../x",
  "/a/../../x",
  "/a/..;/b",
  "/%2e%2e/x",
  String.raw`/..\..\x`,
  "/a\0b",
  "\0",
  "x",
  "/x ",
  "/x.",
  "/．．/x",
  "/\u{10feae}\u{10feae}/x",
  "/\u{10feff}",
  "\ud800",
  "\u202e",
  "\u001b[2J",
  "__proto__",
  "constructor",
  'a"]\n[users.root]\nadmin=true',
  "é",
  "e\u0301",
  "../../../../../../etc/passwd",
  `/${"n".repeat(255)}`,
  `/${"n".repeat(256)}`,
  "/d".repeat(2047),
  "/d".repeat(2048),
  "n".repeat(33),
  "t".repeat(513),
  "t".repeat(1025),
] as const;

const LENGTHS = [0, 1, 15, 16, 17, 31, 32, 33, 64, 65, 128, 1024] as const;

/** A copy with something else in it. */
export function nearlyRight<Value>(value: Value, chance: Chance): Value {
  return changedValue(value, chance) as Value;
}

/** The bytes of a value; nothing where it is of a kind that nobody can write. */
export function encodeAnyway(shape: Shape<unknown>, value: unknown): Uint8Array | undefined {
  try {
    return encodeBody(shape, value);
  } catch {
    return undefined;
  }
}

function changedValue(value: unknown, chance: Chance): unknown {
  if (typeof value === "number") return chance.pick(NUMBERS);
  if (typeof value === "string") return changedText(value, chance);
  if (typeof value === "boolean") return !value;
  if (value === undefined) return chance.pick<unknown>([0, "/x", false, {}]);
  if (value instanceof Uint8Array) return chance.bytes(chance.pick(LENGTHS));
  if (Array.isArray(value)) return changedList(value, chance);
  if (typeof value !== "object" || value === null) return value;
  const names = Object.keys(value);
  const [name] = names.slice(chance.below(Math.max(1, names.length)));
  if (name === undefined) return value;
  const fields = value as Record<string, unknown>;
  return { ...fields, [name]: changedValue(fields[name], chance) };
}

function changedText(text: string, chance: Chance): string {
  const place = chance.below(text.length + 1);
  switch (chance.below(5)) {
    case 0:
      return text.slice(0, place) + chance.pick(TEXTS) + text.slice(place);
    case 1:
      return text.slice(0, place);
    case 2:
      return (
        text.slice(0, place) + String.fromCodePoint(chance.below(0x11_0000)) + text.slice(place)
      );
    default:
      return chance.pick(TEXTS);
  }
}

function changedList(list: readonly unknown[], chance: Chance): unknown[] {
  const place = chance.below(list.length + 1);
  if (list.length > 0 && chance.percent(50)) {
    const changed = [...list];
    changed[place % list.length] = changedValue(changed[place % list.length], chance);
    return changed;
  }
  if (chance.percent(50)) return list.slice(0, place);
  return Array.from({ length: chance.pick([2, 40, 1000]) }, () => list[0]);
}
