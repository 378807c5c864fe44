import { expect, test } from "bun:test";
import * as fc from "fast-check";
import type { TreeEntry } from "../../src/client/foliage.ts";
import { isLate, isSameTime, planSync } from "../../src/client/plan.ts";

type Kind = TreeEntry["kind"];

/** `a` a file, `a/` a directory, `a@` a link, `a%` something else; `a:3` a file of three bytes. */
function entries(...written: readonly string[]): TreeEntry[] {
  return written.map((text) => {
    const [, relative = "", mark = "", bytes = "1"] = /^(.*?)([/@%]?)(?::(\d+))?$/.exec(text) ?? [];
    const kinds: Record<string, Kind> = { "": "file", "/": "directory", "@": "link", "%": "other" };
    return { relative, kind: kinds[mark] ?? "file", bytes: Number(bytes), modifiedMs: 1 };
  });
}

function plan(
  source: readonly string[],
  target: readonly string[],
  guarded: readonly string[] = [],
) {
  const made = (isDeleting: boolean) =>
    planSync(entries(...source), entries(...target), new Set(guarded), { isDeleting, isSame });
  return { plain: made(false), deleting: made(true) };
}

const isSame = (a: TreeEntry, b: TreeEntry) => a.modifiedMs === b.modifiedMs;
const key = (some: Iterable<TreeEntry>) =>
  [...some].map(({ relative, kind, bytes }) => `${relative} ${kind} ${bytes}`).toSorted();
const paths = (some: readonly TreeEntry[]) => some.map(({ relative }) => relative);

test("what is missing or of another size is sent, what is the same is not", () => {
  const { plain } = plan(["a", "b:2", "c", "d/", "d/e"], ["a", "b:1"]);

  expect(paths(plain.files)).toEqual(["b", "c", "d/e"]);
  expect(paths(plain.directories)).toEqual(["d"]);
  expect(plain.sameCount).toBe(1);
  expect(plain.deleted).toEqual([]);
});

test("what is too much is deleted when asked: files first, directories the deepest first", () => {
  const { plain, deleting } = plan(["a"], ["a", "x/", "x/y/", "x/y/f", "x/g", "z"]);

  expect(plain.deleted).toEqual([]);
  expect(paths(deleting.deleted)).toEqual(["z", "x/y/f", "x/g", "x/y", "x"]);
});

test("a directory that holds something left out by a rule stays, and so do those above", () => {
  const { deleting } = plan([], ["x/", "x/y/", "x/y/f", "x/g"], ["x/y"]);

  expect(paths(deleting.deleted)).toEqual(["x/y/f", "x/g"]);
});

test.each([
  ["a", "a/"],
  ["a/", "a"],
  ["a", "a@"],
  ["a/", "a%"],
])("%p where %p stands is a conflict, and replaced with --delete", (wanted, found) => {
  const { plain, deleting } = plan([wanted, "a/b"], [found, "a/c"]);

  expect(plain.conflicts).toHaveLength(1);
  expect(plain.replaced).toEqual([]);
  expect(paths(plain.files)).not.toContain("a");
  expect(deleting.conflicts).toEqual([]);
  expect(paths(deleting.replaced)).toContain("a");
  expect(isLate(deleting, "a")).toBe(true);
  expect(isLate(deleting, "ab")).toBe(false);
});

test("a directory with something that a rule protects is not replaced", () => {
  const { deleting } = plan(["a"], ["a/", "a/x"], ["a"]);

  expect(deleting.conflicts).toHaveLength(1);
  expect(deleting.replaced).toEqual([]);
  expect(deleting.deleted).toEqual([]);
});

test("links and special files of the source are skipped, and spare what stands in their place", () => {
  const { deleting } = plan(["l@", "p%"], ["l/", "l/x", "p"]);

  expect(paths(deleting.skipped)).toEqual(["l", "p"]);
  expect(deleting.deleted).toEqual([]);
});

test("below a directory that may not be made nothing is sent, and it is told once", () => {
  const { plain } = plan(["d/", "d/e/", "d/e/f", "d/g"], ["d"]);

  expect(plain.conflicts).toHaveLength(1);
  expect([plain.files, plain.directories]).toEqual([[], []]);
});

test("done with --delete, a plan makes the target like the source, and then there is no plan", () => {
  const name = fc.constantFrom("a", "b", "c");
  const path = fc.array(name, { minLength: 1, maxLength: 3 }).map((names) => names.join("/"));
  const tree = fc
    .array(fc.record({ path, isFile: fc.boolean(), bytes: fc.nat(2) }))
    .map((items) => {
      const found = new Map<string, TreeEntry>();
      for (const { path: relative, isFile, bytes } of items) {
        const above = relative
          .split("/")
          .slice(0, -1)
          .map((_, index, all) => all.slice(0, index + 1).join("/"));
        if (above.some((directory) => found.get(directory)?.kind === "file")) continue;
        if (found.has(relative)) continue;
        for (const directory of above) {
          found.set(directory, { relative: directory, kind: "directory", bytes: 0, modifiedMs: 1 });
        }
        const kind = isFile ? "file" : "directory";
        found.set(relative, { relative, kind, bytes: isFile ? bytes : 0, modifiedMs: 1 });
      }
      return [...found.values()];
    });
  fc.assert(
    fc.property(tree, tree, (source, target) => {
      const options = { isDeleting: true, isSame: () => true };
      const found = planSync(source, target, new Set(), options);
      const result = new Map(target.map((entry) => [entry.relative, entry]));
      for (const { relative } of [...found.replaced, ...found.deleted]) result.delete(relative);
      for (const entry of [...found.directories, ...found.files]) result.set(entry.relative, entry);
      expect(key(result.values())).toEqual(key(source));
      const again = planSync(source, [...result.values()], new Set(), options);
      expect([again.files, again.directories, again.deleted, again.replaced]).toEqual([
        [],
        [],
        [],
        [],
      ]);
    }),
  );
});

test.each([
  [1000, 1000, 1, true],
  [1000, 1001, 1, true],
  [1000, 1999, 1, true],
  [1000, 2000, 1, false],
  [1500, 1501, 1, false],
  [999, 1000, 1, false],
  [4000, 5999, 2000, true],
  [4000, 6000, 2000, false],
])("the times %p and %p at %p ms are the same: %p", (a, b, precisionMs, expected) => {
  expect(isSameTime(a, b, precisionMs)).toBe(expected);
  expect(isSameTime(b, a, precisionMs)).toBe(expected);
});
