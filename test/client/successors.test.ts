import { expect, test } from "bun:test";
import type { TreeEntry } from "../../src/client/foliage.ts";
import { stagedBeside } from "../../src/client/partnames.ts";
import { planSync } from "../../src/client/plan.ts";
import { isSuccessorName, withoutSuccessors } from "../../src/client/successors.ts";

/** Names with a slash at the end are directories. */
const entries = (...names: string[]): TreeEntry[] =>
  names.map((name) => ({
    relative: name.replace(/\/$/, ""),
    kind: name.endsWith("/") ? "directory" : "file",
    bytes: 0,
    modifiedMs: 0,
  }));

function deletedOf(
  source: readonly string[],
  target: readonly string[],
  leftOut = "none",
): string[] {
  const wishes = { isDeleting: true, isSame: () => true };
  const plan = planSync(entries(...source), entries(...target), new Set(), wishes);
  const isWanted = (relative: string) => relative !== leftOut;
  return withoutSuccessors(plan, isWanted).map(({ relative }) => relative);
}

test.each([
  [".a.ftpx-new", true],
  ["..ftpx-new", false],
  ["a.ftpx-new", false],
  [".a.ftpx-new.b", false],
  [".a.ftpx-part", false],
  [`.${"0".repeat(32)}.ftpx-new`, true],
])("whether %p is the name of a successor: %p", (name, is) => {
  expect(isSuccessorName(name)).toBe(is);
});

test("what stagedBeside names is the name of a successor, long ones too", () => {
  for (const name of ["a", "x".repeat(255)]) {
    expect(isSuccessorName(stagedBeside(`d/${name}`).slice(2))).toBe(true);
  }
});

test("a successor goes that is of no use, and stays where this sync uses it", () => {
  const there = ["d", "d2/", ".d.ftpx-new/", ".d.ftpx-new/f", "d2/.e.ftpx-new", "other"];

  expect(deletedOf(["d/", "d2/"], there)).toEqual(["other", "d2/.e.ftpx-new"]);
  expect(deletedOf(["d", "d2/"], there).toSorted()).toEqual(
    ["other", "d2/.e.ftpx-new", ".d.ftpx-new/f", ".d.ftpx-new"].toSorted(),
  );
});

test("the successor of a name that is left out stays", () => {
  expect(deletedOf([], [".d.ftpx-new/", ".d.ftpx-new/f", "other"], "d")).toEqual(["other"]);
});
