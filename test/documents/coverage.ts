/**
 * TESTING.md's table operation × fault: which campaign or end-to-end test lets which fault
 * meet which operation. A file says what it covers by a constant COVERS, a list of pairs;
 * what no file names is a gap, and stands there as one.
 */
import fs from "node:fs";
import { columns, fenced } from "./columns.ts";

const ROOT = new URL("../../test/", import.meta.url).pathname;

const OPERATIONS = [
  "put",
  "put over a file",
  "resume",
  "get",
  "mkdir",
  "rm",
  "rm -r",
  "rmdir",
  "mv",
  "cp",
  "ls",
  "sign-in",
  "useradd",
  "usermod",
  "start",
  "stop",
] as const;

const FAULTS = [
  "kill of the server",
  "kill of the client",
  "power loss",
  "cut line",
  "stalled line",
  "dribbling line",
  "flipped bits",
  "disk full",
  "I/O error",
  "failed sync",
  "out of descriptors",
  "short write",
  "refused access",
  "concurrent sessions",
  "SIGTERM",
  "silent peer",
] as const;

const GAP = "·";

interface Pair {
  readonly operation: string;
  readonly fault: string;
  readonly file: string;
}

interface Covering {
  readonly COVERS: readonly (readonly string[])[];
}

export async function coverageTable(): Promise<string> {
  const pairs = await namedPairs();
  const files = [...new Set(pairs.map(({ file }) => file))];
  const letterOf = new Map(files.map((file, index) => [file, String.fromCharCode(97 + index)]));
  const cell = (operation: string, fault: string): string => {
    const found = pairs.filter((pair) => pair.operation === operation && pair.fault === fault);
    return found.map(({ file }) => letterOf.get(file) ?? "").join("") || GAP;
  };
  const numbers = FAULTS.map((_fault, index) => String(index + 1));
  const rows = OPERATIONS.map((operation) => [
    operation,
    ...FAULTS.map((fault) => cell(operation, fault)),
  ]);
  const legend = FAULTS.map((fault, index) => {
    const file = files[index] ?? "";
    return [numbers[index] ?? "", fault, letterOf.get(file) ?? "", file];
  });
  return [
    fenced(columns([["operation", ...numbers], ...rows])),
    fenced(columns([["", "fault", "", "file, below test/"], ...legend])),
  ].join("\n\n");
}

/** Pairs whose words no table of this file has, each with its file. */
export async function strangePairs(): Promise<string[]> {
  return (await namedPairs())
    .filter((pair) => !isKnown(pair))
    .map(({ file, operation, fault }) => `${file}: ${operation} × ${fault}`);
}

function isKnown({ operation, fault }: Pair): boolean {
  const [operations, faults]: readonly (readonly string[])[] = [OPERATIONS, FAULTS];
  return operations?.includes(operation) === true && faults?.includes(fault) === true;
}

/** Campaigns are loaded, which does not run them; end-to-end tests are read. */
async function namedPairs(): Promise<Pair[]> {
  const pairs: Pair[] = [];
  for (const file of [...new Bun.Glob("**/*.ts").scanSync(ROOT)].toSorted()) {
    const source = fs.readFileSync(`${ROOT}${file}`, "utf8");
    const list = /^export const COVERS = \[([^]*?)^\]/m.exec(source)?.[1];
    if (list === undefined) continue;
    const covered = file.startsWith("campaign/")
      ? ((await import(`${ROOT}${file}`)) as Covering).COVERS
      : [...list.matchAll(/\["([^"]+)", "([^"]+)"\]/g)].map(([, ...pair]) => pair);
    for (const [operation = "", fault = ""] of covered) pairs.push({ operation, fault, file });
  }
  return pairs;
}
