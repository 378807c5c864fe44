/**
 * Which document holds which generated tables, and how they get into it.
 *
 * A table stands between `<!-- BEGIN name -->` and `<!-- END name -->`, each on a line of
 * its own. Everything else in a document is written by hand. write.ts puts the tables in,
 * documents.test.ts finds those that are not what the code says.
 */
import fs from "node:fs";
import { ERRORS } from "../../src/base/errors.ts";
import { limitTable } from "./bounds.ts";
import { columns, fenced } from "./columns.ts";
import { coverageTable } from "./coverage.ts";
import {
  digestExamples,
  exchangeExample,
  keyExample,
  pathExamples,
  signInExample,
} from "./examples.ts";
import { importTable, packageTable, treeTable } from "./outline.ts";
import { missingTable, rowTable } from "./rows.ts";
import { wayTable } from "./ways.ts";
import { algorithmTable, commandTable, detailTable, errorTable, noticeTable } from "./wire.ts";

type Table = () => string | Promise<string>;

const ROOT = new URL("../../", import.meta.url).pathname;

/** By document, then by the name in its markers. */
const DOCUMENTS: Readonly<Record<string, Readonly<Record<string, Table>>>> = {
  "PROTOCOL.md": {
    commands: commandTable,
    notices: noticeTable,
    errors: errorTable,
    details: detailTable,
    limits: limitTable,
    algorithms: algorithmTable,
    digests: digestExamples,
    paths: pathExamples,
    "sign-in": signInExample,
    "key-sign-in": keyExample,
    exchange: exchangeExample,
  },
  "ARCHITECTURE.md": {
    tree: treeTable,
    imports: importTable,
    packages: packageTable,
    ways: wayTable,
  },
  "TESTING.md": { rows: rowTable, missing: missingTable, coverage: coverageTable },
  "README.md": { commands: helpTable, exits: exitTable },
};

/** Meanings of exit statuses. Those of errors must all be here. */
const EXITS: Readonly<Record<number, string>> = {
  0: "done",
  64: "the command line is wrong",
  65: "the content's proof failed: digest mismatch, truncated",
  66: "no such file or directory",
  69: "the server cannot be reached, or is draining",
  70: "a defect of ftpx",
  73: "does not fit: quota, number of files, disk full, or the name exists",
  75: "try again later: busy, interrupted; what was sent is kept",
  76: "the peer broke the protocol, or versions do not agree",
  77: "refused: sign-in, right, unknown or changed server key",
  78: "configuration or accounts.toml is wrong",
  129: "interrupted by SIGHUP",
  130: "interrupted by Ctrl-C",
  143: "interrupted by SIGTERM; what was sent is kept",
};

const MARKED = /<!-- BEGIN ([\w-]+) -->\n[^]*?<!-- END \1 -->/g;

export const DOCUMENT_NAMES = Object.keys(DOCUMENTS);

export function readDocument(name: string): string {
  return fs.readFileSync(ROOT + name, "utf8");
}

export function writeDocument(name: string, text: string): void {
  fs.writeFileSync(ROOT + name, text);
}

/**
 * A document with its tables as they are today.
 *
 * @throws Error for markers without a table, and tables without markers
 */
export async function render(name: string, text: string): Promise<string> {
  const tables = DOCUMENTS[name] ?? {};
  const made = new Map<string, string>();
  for (const [, marker = ""] of text.matchAll(MARKED)) {
    const table = tables[marker];
    if (table === undefined) throw new Error(`${name}: no table is called ${marker}`);
    made.set(marker, await table());
  }
  const unused = Object.keys(tables).filter((marker) => !made.has(marker));
  if (unused.length > 0) throw new Error(`${name} has no markers for ${unused.join(", ")}`);
  return text.replaceAll(
    MARKED,
    (_old, marker: string) =>
      `<!-- BEGIN ${marker} -->\n\n${made.get(marker) ?? ""}\n\n<!-- END ${marker} -->`,
  );
}

/** What the program itself says about its commands, without the lines around them. */
function helpTable(): string {
  const help = Bun.spawnSync([process.execPath, `${ROOT}src/main.ts`, "help"]);
  if (help.exitCode !== 0) throw new Error(`ftpx help: ${help.stderr.toString()}`);
  const text = help.stdout.toString().trimEnd();
  return fenced(text.split("\n").slice(2, -1).join("\n").trim());
}

function exitTable(): string {
  for (const [kind, { exit }] of Object.entries(ERRORS)) {
    if (EXITS[exit] === undefined) throw new Error(`${kind} has an exit status without a meaning`);
  }
  return fenced(columns(Object.entries(EXITS)));
}
