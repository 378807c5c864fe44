/** Documents say what the code says. `npm run docs` rewrites their tables. */
import { expect, test } from "bun:test";
import fs from "node:fs";
import { LINE_CHARACTERS_MAX } from "./documents/columns.ts";
import { strangePairs } from "./documents/coverage.ts";
import { strayFiles } from "./documents/outline.ts";
import { ROWS, unknownRows } from "./documents/rows.ts";
import { ROWS as SYSTEM_ROWS, unnamedUses } from "./documents/ways.ts";
import { WORKLOADS } from "../bench/workloads/workloads.ts";
import { SYSTEM_WAYS } from "../src/base/ways.ts";
import { DOCUMENT_NAMES, readDocument, render } from "./documents/tables.ts";

const OWN_DOCUMENTS = [...DOCUMENT_NAMES, "SECURITY.md", "CHANGELOG.md"];
const WRAPPED_DOCUMENTS = OWN_DOCUMENTS.filter((name) => name !== "README.md");

test.each(DOCUMENT_NAMES)("the tables of %s are the code's (else: npm run docs)", async (name) => {
  const text = readDocument(name);

  expect(text).toBe(await render(name, text));
});

test.each(WRAPPED_DOCUMENTS)("no line of %s is longer than a line may be", (name) => {
  const lines = readDocument(name).split("\n");

  expect(lines.filter((line) => line.length > LINE_CHARACTERS_MAX && isBreakable(line))).toEqual(
    [],
  );
});

test("every file of src belongs to a layer that ARCHITECTURE.md names", () => {
  expect(strayFiles()).toEqual([]);
});

test("every use of what not every system has is in ARCHITECTURE.md's table of them", () => {
  expect(unnamedUses()).toEqual([]);
});

test("every way that a build can go without is a row of that table", () => {
  const named = Object.values(SYSTEM_ROWS).flatMap(({ way }) => way ?? []);

  expect(named.toSorted()).toEqual([...SYSTEM_WAYS].toSorted());
});

test("every operation and fault that a file covers is one of the table", async () => {
  expect(await strangePairs()).toEqual([]);
});

test("every row that a title or TESTING.md names is a known failure", () => {
  const named = readDocument("TESTING.md").match(/\b[PIQATDF]\d{1,2}\b/g) ?? [];

  expect(unknownRows()).toEqual([]);
  expect(named.filter((row) => ROWS[row] === undefined)).toEqual([]);
});

test("every workload of the benchmark has its row in TESTING.md", () => {
  const rows = readDocument("TESTING.md").match(/^\| W\d+ \|/gm);

  expect([...(rows ?? [])]).toEqual(WORKLOADS.map(({ name }) => `| ${name} |`));
});

test.each(["ARCHITECTURE.md", "SECURITY.md", "TESTING.md"])(
  "files that %s names are there",
  (name) => {
    const named = readDocument(name).match(/\b(?:[\w-]+\/)+[\w.-]+\.ts\b/g) ?? [];
    const places = ["../", "../src/", "./", "../src/cli/"].map(
      (place) => new URL(place, import.meta.url),
    );
    const isThere = (file: string) => places.some((place) => fs.existsSync(new URL(file, place)));

    expect(named.filter((file) => !isThere(file))).toEqual([]);
  },
);

test("links between documents lead to files and headings that are there", () => {
  const anchors = new Map(OWN_DOCUMENTS.map((name) => [name, anchorsOf(readDocument(name))]));
  const broken: string[] = [];
  for (const name of OWN_DOCUMENTS) {
    for (const [, file = "", anchor] of readDocument(name).matchAll(
      /\]\(([A-Z]+\.md)?(?:#([\w-]+))?\)/g,
    )) {
      const target = anchors.get(file === "" ? name : file);
      const isThere = target !== undefined && (anchor === undefined || target.has(anchor));
      if (!isThere) broken.push(`${name}: ${file}#${anchor ?? ""}`);
    }
  }

  expect(broken).toEqual([]);
});

/** A pipe table cannot be broken, and a long word neither. */
function isBreakable(line: string): boolean {
  return !line.startsWith("|") && line.trim().includes(" ");
}

/** As the usual viewers of Markdown make them of headings. */
function anchorsOf(text: string): Set<string> {
  const headings = text.match(/^#+ .*$/gm) ?? [];
  return new Set(
    headings.map((heading) =>
      heading
        .replace(/^#+ /, "")
        .toLowerCase()
        .replaceAll(/[^\w\- ]/g, "")
        .replaceAll(" ", "-"),
    ),
  );
}
