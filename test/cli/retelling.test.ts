import { expect, test } from "bun:test";
import { Retelling } from "../../src/cli/retelling.ts";

type Fields = Record<string, string>;

const put = (path: string, digest: string): Fields => ({
  event: "transfer",
  direction: "upload",
  path,
  digest,
});
const move = (from: string, to: string): Fields => ({ event: "move", from, to });
const copy = (from: string, to: string): Fields => ({ event: "copy", from, to });
const remove = (path: string): Fields => ({ event: "remove", path });

function retold(...lines: readonly Fields[]): Record<string, string> {
  const told = new Retelling();
  for (const line of lines) told.read(JSON.stringify({ user: "ann", ...line }));
  const files = [...told.files()].map(
    ({ path, digests, isCertain }) =>
      [path, `${digests.join(" ")}${isCertain ? "" : "?"}`] as const,
  );
  return Object.fromEntries(files.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

test.each([
  ["uploads, each digest of a path", [put("/a", "1"), put("/a", "2")], { "/a": "1 2" }],
  ["a download", [{ event: "transfer", direction: "download", path: "/a", digest: "1" }], {}],
  ["a rename", [put("/a", "1"), move("/a", "/b")], { "/b": "1" }],
  ["a rename onto a file", [put("/a", "1"), put("/b", "2"), move("/a", "/b")], { "/b": "1" }],
  ["a rename of what is not known", [put("/b", "2"), move("/x", "/b")], {}],
  [
    "a rename of a directory",
    [put("/d/a", "1"), put("/d/e/b", "2"), put("/da", "3"), move("/d", "/n/d")],
    { "/da": "3", "/n/d/a": "1", "/n/d/e/b": "2" },
  ],
  ["a copy", [put("/a", "1"), copy("/a", "/b")], { "/a": "1", "/b": "1" }],
  ["a copy of what is not known", [put("/b", "2"), copy("/x", "/b")], {}],
  [
    "a copy, and another upload",
    [put("/a", "1"), copy("/a", "/b"), put("/a", "2")],
    { "/a": "1 2", "/b": "1" },
  ],
  ["a removal", [put("/a", "1"), remove("/a")], { "/a": "1?" }],
  [
    "a removal of a directory",
    [put("/d/a", "1"), put("/da", "2"), remove("/d")],
    { "/d/a": "1?", "/da": "2" },
  ],
  ["an upload after a removal", [put("/a", "1"), remove("/a"), put("/a", "2")], { "/a": "1 2" }],
  ["somebody's own list", [{ path: "/a", digest: "1" }], { "/a": "1?" }],
  [
    "the end of an account",
    [put("/a", "1"), { event: "account-removed", name: "ann" }],
    { "/a": "1?" },
  ],
  [
    "the end of another account",
    [put("/a", "1"), { event: "account-removed", name: "bob" }],
    { "/a": "1" },
  ],
] as [string, Fields[], Record<string, string>][])("a log with %s", (_what, lines, files) => {
  expect(retold(...lines)).toEqual(files);
});

test("half a line, a list, a name like that of a built-in property", () => {
  const told = new Retelling();
  for (const line of ['{"user":"ann","pa', "[1]", "null", "7", ""]) told.read(line);
  told.read(JSON.stringify({ user: "constructor", path: "/__proto__/a", digest: "1" }));

  expect(told.lineCount).toBe(1);
  expect([...told.files()]).toEqual([
    { user: "constructor", path: "/__proto__/a", digests: ["1"], isCertain: false },
  ]);
});
