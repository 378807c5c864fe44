/**
 * TESTING.md's table of known failures: which test file holds which row.
 *
 * A row has a permanent number, which stands at the head of the titles of the tests that
 * feed its input: "P1 …", "P1, P8: …", "A4 R26: …"; campaigns and fuzzers name theirs in
 * their head comments. What a row is about is said here.
 */
import fs from "node:fs";
import { columns, fenced } from "./columns.ts";

const ROOT = new URL("../../", import.meta.url).pathname;

export const ROWS: Readonly<Record<string, string>> = {
  P1: "`..` in a path, in every disguise",
  P2: "homes whose names begin alike",
  P3: "symbolic links out of a home; FIFOs, sockets, devices",
  P4: "a directory that becomes a link between check and use",
  P5: "hostile names in a server's listing",
  P6: "terminal escapes in names, errors and events",
  P7: "names that are not UTF-8",
  P8: "Unicode forms and case: no silent merge",
  P9: "internal names reached through a path",
  P10: "NUL, long names, long and deep paths",
  P11: "a rename between file systems",
  I1: "commands executed by what a peer sends",
  I2: "records injected through names",
  I3: "prototype keys as user names",
  I4: "log lines injected through values",
  I5: "line ends in names at a text protocol's door",
  I6: "malformed structures: lengths, surrogates, bytes left over",
  I7: "negative and huge numbers in offsets and sizes",
  Q1: "concurrent uploads against one quota",
  Q2: "the file under way is not counted",
  Q3: "a size that is not what comes",
  Q4: "a quota passed or counted twice by resuming",
  Q5: "overwriting and renaming are counted once",
  Q6: "reservations of aborted uploads",
  Q7: "a failed removal is credited",
  Q8: "a damaged ledger is read as zero",
  Q9: "sparse files",
  Q10: "a copy on the server is not counted",
  Q11: "a flood of empty files and directories",
  Q12: "a client that retries a permanent refusal",
  A1: "who has an account, told by reply or time",
  A2: "long secrets as load",
  A3: "a flood of derivations",
  A4: "hostile derivation parameters",
  A5: "guessing passwords",
  A6: "empty, zero and malformed secrets",
  A7: "accounts that may not sign in, or not any more",
  A8: "what a stranger may ask before sign-in",
  A9: "a flood of registrations",
  A10: "shortcuts in SCRAM, on either side",
  A11: "a verifier used as a password",
  T1: "bytes injected before TLS",
  T2: "TLS below 1.3",
  T3: "a changed server key",
  T4: "another protocol spoken to our port",
  T5: "a stolen data channel",
  T6: "a data channel to somebody else",
  T7: "a transfer cut short by FIN",
  D1: "a huge length field",
  D2: "slow handshakes",
  D3: "slow readers",
  D4: "no descriptors left",
  D5: "a glob that blows up",
  D6: "big and deep directories",
  D7: "loops over nothing",
  D8: "one bad connection ends all",
  D9: "churn of connections",
  F1: "a truncated upload is published",
  F2: "a transfer goes on with a changed source",
  F3: "two writers on one upload",
  F4: "a lock of a client that vanished",
  F5: "a disk that is full or fails while content is written",
  F6: "a full disk while configuration is written",
  F7: "short reads and writes",
  F8: "a failed sync",
  F9: "kill -9 at any moment",
  F10: "power loss",
  F11: "SIGTERM with transfers under way",
  F12: "jumps of the clock",
  F13: "peers that are gone without a word",
  F14: "clashes of temporary names",
  F15: "a file replaced while it is read",
  F16: "bits flipped on the wire",
  F17: "tree operations cut in the middle",
};

/** A text that is the first argument of a call, with the row numbers at its head. */
const TITLE = /\(\s*(["'`])(?:\$\{[^}]*\}: )?((?:[A-Z]\d{1,2}[,:]? )+)(?:(?!\1)[^])*\1/g;
const NUMBER = /[PIQATDF]\d{1,2}\b/g;

export function rowTable(): string {
  const held = heldRows();
  const rows = Object.keys(ROWS).filter((row) => held.has(row));
  const lines = rows.map((row) => [row, ROWS[row] ?? "", (held.get(row) ?? []).join(", ")]);
  return fenced(columns([["row", "failure", "held by, below test/"], ...lines]));
}

export function missingTable(): string {
  const held = heldRows();
  const lines = Object.entries(ROWS).filter(([row]) => !held.has(row));
  if (lines.length === 0) return "None.";
  return fenced(columns(lines));
}

/** Numbers at the head of a title that are no row's. */
export function unknownRows(): string[] {
  return [...heldRows().keys()].filter((row) => ROWS[row] === undefined);
}

/** Row → files, in the order of their paths. */
function heldRows(): Map<string, string[]> {
  const held = new Map<string, string[]>();
  for (const file of [...new Bun.Glob("**/*.ts").scanSync(`${ROOT}test`)].toSorted()) {
    const source = fs.readFileSync(`${ROOT}test/${file}`, "utf8");
    for (const [, , numbers = ""] of source.matchAll(TITLE)) {
      for (const [row] of numbers.matchAll(NUMBER)) note(held, row, file);
    }
    const isProgram = /^(?:campaign|fuzz)\//.test(file);
    const head = isProgram ? (/^\/\*\*[^]*?\*\//.exec(source)?.[0] ?? "") : "";
    for (const [row] of head.matchAll(NUMBER)) note(held, row, file);
  }
  return held;
}

function note(held: Map<string, string[]>, row: string, file: string): void {
  const files = held.get(row) ?? [];
  if (!files.includes(file)) held.set(row, [...files, file]);
}
