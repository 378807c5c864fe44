import { expect, test } from "bun:test";
import { FtpxError } from "../../src/base/errors.ts";
import { retryLine } from "../../src/cli/countdown.ts";

const retry = {
  attempt: 2,
  attemptsMax: 5,
  pauseMs: 500,
  over: Promise.resolve(),
  reason: new FtpxError("CONNECTION_LOST", { reason: "reset\x1b[2J" }),
};

test.each([
  [480, "again in 0.5 s"],
  [3000, "again in 3 s"],
  [90_000, "again in 1 min 30 s"],
])("with %p ms to go a lost connection is told as %p", (leftMs, when) => {
  const reason = String.raw`ftpx: the connection was lost (reset\x1b[2J)`;
  expect(retryLine(retry, leftMs)).toBe(`${reason}; ${when} (2 of 5)`);
});

test.each([
  [
    "UPLOAD_BUSY",
    80,
    "ftpx: waiting for another session that uploads this file; again in 4 s (2 of 5)",
  ],
  ["UPLOAD_BUSY", 60, "ftpx: waiting for another session…; again in 4 s (2 of 5)"],
  ["UPLOAD_BUSY", 39, "ftpx: waiting…; again in 4 s (2 of 5)"],
  ["UPLOAD_BUSY", 25, "again in 4 s (2 of 5)"],
  ["UPLOAD_BUSY", 10, "again…f 5)"],
  ["SOURCE_CHANGED", 80, "ftpx: the local file changed while it was sent; once more (2 of 5)"],
] as const)("%s in %d columns keeps its sense: %p", (kind, columns, line) => {
  const reason = new FtpxError(kind);
  expect(retryLine({ ...retry, reason }, 4000, columns)).toBe(line);
});
