import { expect, test } from "bun:test";
import { ERRORS, FtpxError } from "../../src/base/errors.ts";
import type { DetailName, ErrorKind, ErrorRow } from "../../src/base/errors.ts";
import { describe, failureFacts } from "../../src/cli/trouble.ts";
import { HOSTILE_NAMES, UNSAFE_ON_TERMINAL } from "./hostile.ts";

test.each(HOSTILE_NAMES)("P6: an error about %p shows it harmless", (name) => {
  const details = { path: name, reason: name, host: name, file: name, expected: name };
  for (const kind of Object.keys(ERRORS) as ErrorKind[]) {
    for (const line of describe(new FtpxError(kind, details))) {
      expect(line).not.toMatch(UNSAFE_ON_TERMINAL);
    }
  }
});

test.each([
  [new FtpxError("NO_SUCH_PATH", { path: "/a" }), ["ftpx: /a: no such file or directory"]],
  [new FtpxError("NO_SUCH_PATH"), ["ftpx: no such file or directory"]],
  [
    new FtpxError("QUOTA_EXCEEDED", {
      path: "/a.iso",
      neededBytes: 12_400_000_000,
      freeBytes: 9_200_000_000,
      limitBytes: 10_000_000_000,
    }),
    [
      "ftpx: /a.iso: does not fit into your quota: 12.4 GB needed, 9.2 GB free of 10.0 GB",
      "hint: remove something, finish or give up unfinished uploads (ftpx unfinished), or ask the operator for more",
    ],
  ],
  [
    new FtpxError("QUOTA_EXCEEDED", { neededBytes: 1 }),
    [
      "ftpx: does not fit into your quota",
      "hint: remove something, finish or give up unfinished uploads (ftpx unfinished), or ask the operator for more",
    ],
  ],
  [
    new FtpxError("PEER_SILENT", { elapsedMs: 61_000 }),
    [
      "ftpx: the other side has not answered for 1 min 1 s",
      "hint: run the same command again: it goes on where it was",
    ],
  ],
  [
    new FtpxError("SERVER_FULL", { limit: 3, retryAfterMs: 2500 }),
    [
      "ftpx: the server has no room for another session: the limit is 3",
      "hint: try again later",
      "hint: try again in 2.5 s",
    ],
  ],
  [
    new FtpxError("CHANGED_KEY", { host: "h:1", expected: "old", fingerprint: "new", file: "/k" }),
    [
      "ftpx: the key of h:1 has changed: known old, offered new",
      "hint: if the operator confirms the new key, remove the line of h:1 from /k and connect again",
    ],
  ],
  [
    new FtpxError("CHANGED_KEY", { host: "h:1", expected: "old", fingerprint: "new" }),
    ["ftpx: the key of h:1 has changed: known old, offered new"],
  ],
  [new FtpxError("USAGE", { reason: "a {path} [b]", path: "" }), ["ftpx: a {path} [b]"]],
  [
    new FtpxError("SERVER_ERROR", { code: 77 }),
    ["ftpx: refused by the server (code 77)", "hint: bring both sides to the same version of ftpx"],
  ],
  [
    new TypeError("x is not a function"),
    [
      "ftpx: a defect of ftpx: x is not a function",
      "hint: FTPX_DEBUG=1 shows where; please report it",
    ],
  ],
])("describe tells what went wrong: case %#", (error, lines) => {
  expect(describe(error)).toEqual(lines);
});

test("describe tells the stack of a defect only when it is wanted", () => {
  const defect = new TypeError("broken");

  expect(describe(defect).join("\n")).not.toContain("trouble.test.ts");
  expect(describe(defect, true).join("\n")).toContain("trouble.test.ts");
});

test.each(["INTERRUPTED", "IS_A_DIRECTORY"] as const)(
  "%s gives no hint, because only whoever was at work knows what goes on or helps",
  (kind) => {
    expect(describe(new FtpxError(kind))).toHaveLength(1);
  },
);

test("every row of the error table has a text and a hint without a field left open", () => {
  const details = Object.fromEntries(
    ["host", "fingerprint", "expected", "file", "reason", "user"].map((name) => [name, "x"]),
  );
  for (const kind of Object.keys(ERRORS) as ErrorKind[]) {
    const lines = describe(new FtpxError(kind, { ...details, line: 1, column: 2, code: 3 }));
    expect(lines.join("\n")).not.toMatch(/\{\w+\}|undefined/);
  }
});

/** Where the text says all, or only whoever was at work knows what helps. */
const WITHOUT_HINT =
  "BODY_TOO_LARGE BAD_BODY BAD_STATE WINDOW_EXCEEDED OUT_OF_RANGE TOO_MANY_REQUESTS " +
  "NOT_SIGNED_IN NO_SUCH_PATH BAD_PATH NOT_A_DIRECTORY IS_A_DIRECTORY NOT_A_FILE NO_PERMISSION " +
  "WRONG_OFFSET SIZE_MISMATCH NO_SUCH_TRANSFER STATE_FAILED TLS_FAILED USAGE NO_LOCAL_FILE " +
  "LOCAL_IO BAD_ACCOUNTS BAD_CONFIG INTERRUPTED PASSWORD_REFUSED BAD_REGISTRATION NOT_WAITING " +
  "ACCOUNT_DENIED WRONG_PASSPHRASE NO_SERVER";

/** A detail as it would really come, told in this way. */
const TOLD: Readonly<Record<DetailName, readonly [value: string | number, told: string]>> = {
  neededBytes: [12_400_000_000, "12.4 GB"],
  freeBytes: [9_200_000_000, "9.2 GB"],
  limitBytes: [10_000_000_000, "10.0 GB"],
  needed: [7, "7"],
  free: [0, "0"],
  limit: [64, "64"],
  offset: [8_388_608, "8388608"],
  expectedOffset: [0, "0"],
  bytes: [1_500_000, "1.5 MB"],
  expectedBytes: [2_500_000, "2.5 MB"],
  retryAfterMs: [2500, "2.5 s"],
  elapsedMs: [61_000, "1 min 1 s"],
  version: [2, "2"],
  command: [99, "99"],
  code: [77, "77"],
  line: [3, "3"],
  column: [14, "14"],
  path: ["/a/b.iso", "/a/b.iso"],
  reason: ["because of this", "because of this"],
  right: ["remove", "remove"],
  expected: ["sha256:known", "sha256:known"],
  digest: ["sha256:found", "sha256:found"],
  host: ["files.example.org:9999", "files.example.org:9999"],
  fingerprint: ["sha256:offered", "sha256:offered"],
  user: ["ann", "ann"],
  file: ["/home/ann/servers", "/home/ann/servers"],
};

test.each(Object.entries(ERRORS) as [ErrorKind, ErrorRow][])(
  "error %s says what happened, with its numbers, where, and what can be done",
  (kind, row) => {
    const details = Object.fromEntries(
      Object.entries(TOLD).map(([name, [value]]) => [name, value]),
    );
    const [first = "", ...hints] = describe(new FtpxError(kind, details));
    const named = [...row.text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name as DetailName);

    expect(first).toStartWith("ftpx: /a/b.iso: ");
    for (const name of named) expect(first).toContain(TOLD[name][1]);
    expect(`${first}${hints.join()}`).not.toMatch(/undefined|NaN|\[|\{\w+\}/);
    expect(hints.at(-1)).toBe("hint: try again in 2.5 s");
    expect(hints.length === 2).toBe(!WITHOUT_HINT.split(" ").includes(kind));
    const bare = describe(new FtpxError(kind));
    expect(bare.join("\n")).not.toMatch(/undefined|NaN|\{\w+\}/);
  },
);

test("a failure is told to scripts with its exact names, its numbers and what can be done", () => {
  const details = { path: "/a\u001b[2J", neededBytes: 5, freeBytes: 1, retryAfterMs: 2500 };

  expect(failureFacts(new FtpxError("QUOTA_EXCEEDED", details), "or another")).toEqual({
    event: "failed",
    path: "/a\u001b[2J",
    error: "QUOTA_EXCEEDED",
    code: 48,
    message: "does not fit into your quota",
    hint:
      "remove something, finish or give up unfinished uploads (ftpx unfinished), or ask the operator for " +
      "more; try again in 2.5 s; or another",
    details: { neededBytes: 5, freeBytes: 1, retryAfterMs: 2500 },
    exit: 73,
  });
  expect(failureFacts(new TypeError("broken"))).toMatchObject({
    error: "INTERNAL",
    message: "a defect of ftpx: broken",
    exit: 70,
  });
});
