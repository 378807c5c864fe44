import { expect, test } from "bun:test";
import { helpOf, HelpWanted, parseWords } from "../../src/cli/args.ts";
import { CLIENT_COMMANDS, spotOf } from "../../src/cli/oneshot.ts";
import { parseTarget } from "../../src/client/target.ts";
import { VERBS } from "../../src/cli/verbs.ts";
import { formatDate, longLines } from "../../src/cli/verbs/entries.ts";
import { quotaLines, roomOf, sumLine } from "../../src/cli/verbs/facts.ts";
import { localCommandOf } from "../../src/cli/verbs/local.ts";
import { findVerb, namesOf, specOf } from "../../src/cli/verbs/verb.ts";
import { splitWords } from "../../src/cli/words.ts";

const usage = (reason: string) =>
  expect.objectContaining({
    kind: "USAGE",
    details: { reason: expect.stringContaining(reason) },
  });

test("the shell has the verbs that the command line promises", () => {
  const promised =
    "help ls cd pwd get put mget mput sync mkdir rm remove rmdir cp mv stat md5 sha256 digest " +
    "quota unfinished passwd who whoami lls lcd lpwd ! history clear q quit exit";
  const names = VERBS.flatMap((row) => (row.shell === undefined ? [] : namesOf(row)));

  expect(names.toSorted()).toEqual(promised.split(" ").toSorted());
  expect(new Set(names).size).toBe(names.length);
});

test("one-shot use has the commands that the command line promises", () => {
  const promised =
    "get put sync ls mkdir rm remove rmdir cp mv stat md5 sha256 digest quota unfinished " +
    "passwd whoami";
  const names = CLIENT_COMMANDS.flatMap(({ spec }) => [spec.name, ...(spec.aliases ?? [])]);

  expect(names.toSorted()).toEqual(promised.split(" ").toSorted());
});

test("every verb has --json, --help and, where it stands alone, an example", () => {
  for (const { spec } of CLIENT_COMMANDS) {
    expect(helpOf(spec)).toContain(`ftpx ${spec.name}`);
    expect(helpOf(spec)).toContain("--accept-new");
    expect(helpOf(spec)).toContain("--json");
    expect(() => parseWords(spec, ["--help"])).toThrow(HelpWanted);
  }
  for (const row of VERBS) {
    const spec = specOf(row, "shell");
    expect(spec === undefined ? "" : helpOf(spec)).toContain("--json");
  }
});

test("every command and every verb has an example that can be read by its own words", () => {
  for (const row of VERBS) {
    for (const place of ["shell", "one-shot"] as const) {
      const spec = specOf(row, place);
      if (spec === undefined) continue;
      expect(spec.examples).not.toBeEmpty();
      for (const example of spec.examples) {
        const name = place === "shell" ? spec.name : `ftpx ${spec.name}`;
        expect(`${example} `).toStartWith(row.name === "!" ? "!" : `${name} `);
        if (row.name === "!") continue;
        const words = splitWords(example.replace(/ < .*/, "")).slice(place === "shell" ? 1 : 2);
        expect(() => parseWords(spec, words)).not.toThrow();
      }
    }
  }
});

test.each([
  ["!ls", "ls"],
  ["  !ls -l 'a b'", "ls -l 'a b'"],
  ["!", ""],
  ["! ", " "],
  ["ls !", undefined],
  ["", undefined],
])("of %p the command of this machine is %p", (line, command) => {
  expect(localCommandOf(line)).toBe(command);
});

test.each([
  ["sl", "did you mean ls?"],
  ["mkdri", "did you mean mkdir?"],
  ["xyzzy", "see help"],
])("findVerb refuses %p and says %p", (name, hint) => {
  expect(() => findVerb(VERBS, name)).toThrow(usage(hint));
});

test.each([
  [["a", "b"], { words: ["a", "b"], noClobber: undefined, jobs: undefined }],
  [["--no-clobber", "a"], { words: ["a"], noClobber: true }],
  [["--jobs", "8", "a"], { words: ["a"], jobs: 8 }],
  [["--limit", "10M", "--digest", "md5", "a"], { words: ["a"], limit: 10_485_760, digest: "md5" }],
  [["-", "b"], { words: ["-", "b"] }],
  [["--", "--limit"], { words: ["--limit"] }],
])("put reads %j", (given, { words, ...options }) => {
  const spec = specOf(findVerb(VERBS, "put"), "shell");
  const parsed = spec === undefined ? undefined : parseWords(spec, given);

  expect(parsed?.words).toEqual(words);
  expect(parsed?.options).toMatchObject(options);
});

test.each([
  [["--limt", "1", "a"], "did you mean --limit?"],
  [["--limit", "fast", "a"], "is not a size"],
  [["--limit", "0", "a"], "a rate of 0"],
  [["--jobs", "257", "a"], "at most 256"],
  [["--digest", "crc32", "a"], 'no digest algorithm "crc32"'],
  [["-z", "a"], "unknown option '-z'"],
  [[], "something is missing"],
])("put refuses %j", (given, reason) => {
  const spec = specOf(findVerb(VERBS, "put"), "shell");
  expect(() => spec && parseWords(spec, given)).toThrow(usage(reason));
});

const TARGET = parseTarget("ann@h:1/first");

test.each([
  ["ann@h:1/b", "/b", false],
  ["h:1/b/", "/b", true],
  ["ftpx://ann@h:1/b%20c", "/b c", false],
  ["/b", "/b", false],
  ["/b/../c/", "/c", true],
  ["h:1", "/", true],
])("beside a target %p is the path %p of the same server", (word, path, isDirectory) => {
  expect(spotOf(word, TARGET)).toMatchObject({ path, isDirectory });
});

test.each(["ann@h/b", "ann@other:1/b", "bob@h:1/b", "b"])(
  "beside a target %p is refused as another server",
  (word) => {
    expect(() => spotOf(word, TARGET)).toThrow(usage("another server"));
  },
);

test.each([
  ["a.iso", "00ff  a.iso"],
  ["a\nb", String.raw`\00ff  a\nb`],
  ["a\\b", String.raw`\00ff  a\\b`],
  ["a\rb", String.raw`\00ff  a\rb`],
  ["a\x1b[2J", "00ff  a\x1b[2J"],
])("the digest of %p is printed as md5sum does", (name, line) => {
  expect(sumLine("00ff", name)).toBe(line);
});

test("a long listing lines its sizes up", () => {
  const modifiedMs = new Date(2026, 2, 1, 14, 5).getTime();
  const entries = [
    { name: "a", kind: "file", bytes: 12_400_000_000, modifiedMs },
    { name: "b", kind: "file", bytes: 7, modifiedMs },
    { name: "c", kind: "directory", bytes: 0, modifiedMs },
  ] as const;

  expect(longLines(entries, ["a", "b", "c/"])).toEqual([
    "-  12400000000  2026-03-01 14:05  a",
    "-            7  2026-03-01 14:05  b",
    "d            -  2026-03-01 14:05  c/",
  ]);
  expect(formatDate(modifiedMs)).toBe("2026-03-01 14:05");
});

const QUOTA = {
  usedBytes: 1_000_000_000,
  reservedBytes: 500_000_000,
  limitBytes: 10_000_000_000,
  usedFiles: 12,
  reservedFiles: 1,
  limitFiles: 1000,
};

test("the room left is what is neither used nor reserved", () => {
  expect(roomOf(QUOTA)).toEqual({ freeBytes: 8_500_000_000, freeFiles: 987 });
  expect(quotaLines(QUOTA)).toEqual([
    "               size       files",
    "used         1.0 GB          12",
    "reserved     500 MB           1",
    "room left    8.5 GB         987",
    "limit       10.0 GB        1000",
  ]);
});

test("the room left under a lowered quota is nothing, not less", () => {
  expect(roomOf({ ...QUOTA, limitBytes: 1, limitFiles: 1 })).toEqual({
    freeBytes: 0,
    freeFiles: 0,
  });
});
