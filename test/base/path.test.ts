import { expect, test } from "bun:test";
import * as fc from "fast-check";
import { NAME_BYTES_MAX, PATH_BYTES_MAX, TREE_DEPTH_MAX } from "../../src/base/limits.ts";
import {
  childPath,
  HOME,
  isWithin,
  leafOf,
  nameBytes,
  namesOf,
  nameText,
  parentOf,
  parsePath,
  resolvePath,
} from "../../src/base/path.ts";
import { bytes } from "../support/octets.ts";
import { threadMs } from "../support/process.ts";
import { kindOf, refusal } from "../support/refusal.ts";
import { readVectorLines } from "../support/vectors.ts";

const VECTOR = /^("(?:[^"\\]|\\.)*")\s+(.+)$/;

const VECTORS = readVectorLines("paths.txt").map((line) => {
  const [, written = "", outcome = ""] = VECTOR.exec(line) ?? [];
  return [written, outcome] as const;
});

/** Names as file systems have them: any bytes but NUL and the slash, and neither `.` nor `..`. */
const fileName = fc
  .uint8Array({ min: 1, minLength: 1, maxLength: 12 })
  .map((octets) => octets.map((octet) => (octet === 0x2f ? 0x2e : octet)))
  .filter((octets) => !["2e", "2e2e"].includes(Buffer.from(octets).toString("hex")));

/** What P1 tries: parts that other programs take for a step up. */
const PARTS = ["a", "b", "..", ".", "", "\\", "%2e%2e", "．．", "..;", "...", ".. ", " ..", "é"];

/** The same question answered by other means: a walk over a stack of names. */
function oracle(text: string): string {
  if (!text.startsWith("/")) return "BAD_PATH";
  let depth: string[] = [];
  for (const part of text.split("/")) {
    if (part === "..") {
      if (depth.length === 0) return "OUTSIDE_HOME";
      depth = depth.slice(0, -1);
    } else if (part !== "" && part !== ".") {
      depth = [...depth, part];
    }
  }
  return `/${depth.join("/")}`;
}

test.each(VECTORS)("P1, P8, P10: path %s is %s", (written, outcome) => {
  const text = JSON.parse(written) as string;

  if (outcome.startsWith('"')) expect(parsePath(text)).toBe(JSON.parse(outcome));
  else expect(kindOf(() => parsePath(text))).toBe(outcome as never);
});

test("P1: parsePath answers as an oracle does, and never leaves the home", () => {
  const parts = fc.array(fc.constantFrom(...PARTS), { maxLength: 12 });
  fc.assert(
    fc.property(fc.constantFrom("", "/", "//"), parts, (front, names) => {
      const text = `${front}${names.join("/")}`;
      const expected = oracle(text);
      const kind = kindOf(() => parsePath(text));
      expect<string>(kind === "done" ? parsePath(text) : kind).toBe(expected);
    }),
    { numRuns: 5000 },
  );
});

test("a path that was parsed is parsed to itself", () => {
  fc.assert(
    fc.property(fc.array(fileName, { maxLength: 6 }), (names) => {
      const path = parsePath(`/${names.map(nameText).join("/")}`);
      expect(parsePath(path)).toBe(path);
    }),
  );
});

test("P7: every name of bytes has one text, and the text has those bytes", () => {
  fc.assert(
    fc.property(fileName, (octets) => {
      const text = nameText(octets);
      expect(text.isWellFormed()).toBeTrue();
      expect(Uint8Array.from(nameBytes(text))).toEqual(octets);
      expect(leafOf(parsePath(`/${text}`))).toBe(text);
    }),
    { numRuns: 2000 },
  );
});

test("P7: every text that is accepted as a name is the text of its bytes", () => {
  const escape = fc
    .integer({ min: 0x80, max: 0xff })
    .map((n) => String.fromCodePoint(0x10fe00 + n));
  const unit = fc.oneof(escape, fc.string({ unit: "grapheme", minLength: 1, maxLength: 1 }));
  fc.assert(
    fc.property(fc.array(unit, { minLength: 1, maxLength: 8 }), (units) => {
      const name = units.join("");
      fc.pre(kindOf(() => parsePath(`/${name}`)) === "done");
      for (const one of namesOf(parsePath(`/${name}`))) expect(nameText(nameBytes(one))).toBe(one);
    }),
    { numRuns: 2000 },
  );
});

test.each([
  ["a stray byte", "61 ff 62", "a\u{10feff}b"],
  ["an overlong slash", "c0 af", "\u{10fec0}\u{10feaf}"],
  ["an overlong dot in three bytes", "e0 80 ae", "\u{10fee0}\u{10fe80}\u{10feae}"],
  ["a surrogate", "ed a0 80", "\u{10feed}\u{10fea0}\u{10fe80}"],
  ["a code point beyond Unicode", "f4 90 80 80", "\u{10fef4}\u{10fe90}\u{10fe80}\u{10fe80}"],
  ["a character cut off at the end", "61 e2 82", "a\u{10fee2}\u{10fe82}"],
  ["a character cut off in the middle", "e2 82 61", "\u{10fee2}\u{10fe82}a"],
  [
    "a real character of the private block",
    "f4 8f ba 80",
    "\u{10fef4}\u{10fe8f}\u{10feba}\u{10fe80}",
  ],
  ["the last character of the block", "f4 8f bb bf", "\u{10fef4}\u{10fe8f}\u{10febb}\u{10febf}"],
  ["the characters before and behind the block", "f4 8f b9 bf f4 8f bc 80", "\u{10fe7f}\u{10ff00}"],
  ["the character for what cannot be read", "ef bf bd ff", "\ufffd\u{10feff}"],
  ["a byte order mark", "ef bb bf ff", "\ufeff\u{10feff}"],
])("P7: a name with %s is written with escapes, and read back", (_case, octets, text) => {
  expect(nameText(bytes(octets))).toBe(text);
  expect(Uint8Array.from(nameBytes(text))).toEqual(bytes(octets));
  expect(parsePath(`/${text}`)).toBe(`/${text}` as typeof HOME);
});

test.each([
  ["ASCII", "a", 1],
  ["letters of two bytes", "é", 2],
  ["letters of three bytes", "日", 3],
  ["escapes of one byte", "\u{10feff}", 1],
])("P10: a name of 255 bytes is accepted and one of 256 is not, in %s", (_case, unit, size) => {
  const fill = "x".repeat(NAME_BYTES_MAX % size);
  const longest = unit.repeat(Math.floor(NAME_BYTES_MAX / size)) + fill;
  const parse = () => parsePath(`/${longest}x`);

  expect(leafOf(parsePath(`/${longest}`))).toBe(longest);
  expect(parse).toThrow(refusal("NAME_TOO_LONG", { limitBytes: NAME_BYTES_MAX }));
});

test("P10: a path of 4,095 bytes is accepted and one of 4,096 is not", () => {
  const directory = `/${"x".repeat(NAME_BYTES_MAX)}`.repeat(15);
  const longest = `${directory}/${"y".repeat(PATH_BYTES_MAX - directory.length - 1)}`;
  const parse = () => parsePath(`${longest}y`);

  expect(longest.length).toBe(PATH_BYTES_MAX);
  expect<string>(parsePath(longest)).toBe(longest);
  expect(parse).toThrow(refusal("NAME_TOO_LONG", { limitBytes: PATH_BYTES_MAX }));
});

test("P10: what counts is the path that is meant, not how long it was written", () => {
  expect<string>(parsePath(`${"/a/..".repeat(3000)}/b`)).toBe("/b");
});

test("P10: a path of depth 2,000 is accepted, and no path is deeper than its bytes allow", () => {
  expect(namesOf(parsePath("/d".repeat(2000)))).toHaveLength(2000);
  expect(kindOf(() => parsePath("/d".repeat(TREE_DEPTH_MAX)))).toBe("NAME_TOO_LONG");
});

test("P7: 4 KiB of bytes that are not UTF-8 are read in a few milliseconds", () => {
  const path = `/${"\u{10fec3}".repeat(NAME_BYTES_MAX)}`.repeat(15);
  parsePath(path);
  const beganMs = threadMs();
  for (let round = 0; round < 5; round += 1) parsePath(path);

  expect((threadMs() - beganMs) / 5).toBeLessThan(15);
});

test("resolvePath takes an absolute text for itself and others from the directory", () => {
  const directory = parsePath("/a/b");

  expect<string>(resolvePath(directory, "/c")).toBe("/c");
  expect<string>(resolvePath(directory, "c")).toBe("/a/b/c");
  expect<string>(resolvePath(directory, "../c")).toBe("/a/c");
  expect<string>(resolvePath(directory, "")).toBe("/a/b");
  expect<string>(resolvePath(HOME, "c")).toBe("/c");
  expect(() => resolvePath(directory, "../../..")).toThrow(refusal("OUTSIDE_HOME"));
});

test.each([
  ["/", [], "", "/"],
  ["/a", ["a"], "a", "/"],
  ["/a/b", ["a", "b"], "b", "/a"],
] as const)("path %s is taken apart", (text, names, leaf, parent) => {
  const path = parsePath(text);

  expect(namesOf(path)).toEqual([...names]);
  expect(leafOf(path)).toBe(leaf);
  expect<string>(parentOf(path)).toBe(parent);
  if (path !== HOME) expect(childPath(parentOf(path), leaf)).toBe(path);
});

test.each([
  ["/", "/", true],
  ["/", "/al", true],
  ["/al", "/al", true],
  ["/al", "/al/x", true],
  ["/al", "/alice", false],
  ["/al", "/alice/x", false],
  ["/al/x", "/al", false],
  ["/al", "/", false],
])("P2: within %s lies %s: %p", (directory, path, expected) => {
  expect(isWithin(parsePath(directory), parsePath(path))).toBe(expected);
});
