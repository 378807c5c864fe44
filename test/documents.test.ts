/** Documents say what the code says. `npm run docs` rewrites their tables. */
import { expect, test } from "bun:test";
import { LINE_CHARACTERS_MAX } from "./documents/columns.ts";
import { strayFiles } from "./documents/outline.ts";
import { ROWS, unknownRows } from "./documents/rows.ts";
import { DOCUMENT_NAMES, readDocument, render } from "./documents/tables.ts";

const OWN_DOCUMENTS = [...DOCUMENT_NAMES, "SECURITY.md", "CHANGELOG.md"];

test.each(DOCUMENT_NAMES)("the tables of %s are the code's (else: npm run docs)", async (name) => {
  const text = readDocument(name);

  expect(text).toBe(await render(name, text));
});

test.each(OWN_DOCUMENTS)("no line of %s is longer than a line may be", (name) => {
  const lines = readDocument(name).split("\n");
  // A pipe table cannot be broken, and a long word neither.
  const isBreakable = (line: string) => !line.startsWith("|") && line.trim().includes(" ");

  expect(lines.filter((line) => line.length > LINE_CHARACTERS_MAX && isBreakable(line))).toEqual([]);
});

test("every file of src belongs to a layer that ARCHITECTURE.md names", () => {
  expect(strayFiles()).toEqual([]);
});

test("every row that a title or TESTING.md names is a known failure", () => {
  const named = readDocument("TESTING.md").match(/\b[PIQATDF]\d{1,2}\b/g) ?? [];

  expect(unknownRows()).toEqual([]);
  expect(named.filter((row) => ROWS[row] === undefined)).toEqual([]);
});

test("links between documents lead to files and headings that are there", () => {
  const anchors = new Map(OWN_DOCUMENTS.map((name) => [name, anchorsOf(readDocument(name))]));
  const broken: string[] = [];
  for (const name of OWN_DOCUMENTS) {
    for (const [, file = "", anchor] of readDocument(name).matchAll(/\]\(([A-Z]+\.md)?(?:#([\w-]+))?\)/g)) {
      const target = anchors.get(file === "" ? name : file);
      const isThere = target !== undefined && (anchor === undefined || target.has(anchor));
      if (!isThere) broken.push(`${name}: ${file}#${anchor ?? ""}`);
    }
  }

  expect(broken).toEqual([]);
});

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
