import { expect, test } from "bun:test";
import {
  DETAILS,
  errorOfCode,
  errorOfSystem,
  ERRORS,
  FtpxError,
  isKind,
  RETIRED_CODES,
  withPath,
} from "../../src/base/errors.ts";
import type { ErrorKind, ErrorRow } from "../../src/base/errors.ts";
import { refusal } from "../support/refusal.ts";

const KINDS = Object.entries(ERRORS) as [ErrorKind, ErrorRow][];
const DETAIL_NAMES = new Set(Object.keys(DETAILS));
/** What README.md promises to scripts. */
const EXITS = [64, 65, 66, 69, 70, 73, 75, 76, 77, 78, 130];

test("error codes grow from row to row, fit two bytes and are never given again", () => {
  const codes = KINDS.map(([, { code }]) => code);

  expect(codes).toEqual([...new Set(codes)].toSorted((a, b) => a - b));
  expect(codes.filter((code) => !Number.isInteger(code) || code < 1 || code > 0xffff)).toEqual([]);
  expect(codes.filter((code) => RETIRED_CODES.includes(code))).toEqual([]);
});

test.each(KINDS)(
  "error %s has a documented exit status and a text a person can read",
  (_kind, row) => {
    const texts = [row.text, row.hint ?? "a hint"];

    expect(EXITS).toContain(row.exit);
    for (const text of texts) {
      expect(text).toMatch(/^(?:[a-z]|\{[a-zA-Z]+\})/);
      expect(text).not.toMatch(/[.!\s]$/);
    }
  },
);

test.each(KINDS)("error %s names in its text only details that there are", (_kind, row) => {
  const named = [...`${row.text}${row.hint ?? ""}`.matchAll(/\{([^}]*)\}/g)].map(
    ([, name]) => name,
  );

  expect(named.filter((name) => !DETAIL_NAMES.has(name ?? ""))).toEqual([]);
  // Brackets hold what is left out without its details, so they hold one, and no brackets.
  expect(row.text.replaceAll(/\[[^[\]]*\{[a-zA-Z]+\}[^[\]]*\]/g, "")).not.toMatch(/[[\]]/);
});

test("detail codes are unique: sizes below 32, texts from 32 on, in one byte", () => {
  const rows = Object.values(DETAILS);

  expect(new Set(rows.map(({ code }) => code)).size).toBe(rows.length);
  for (const { code, type } of rows) {
    expect(type === "size" ? code >= 1 && code < 32 : code >= 32 && code <= 255).toBeTrue();
  }
});

test("trying again helps where the exit status says so, and only there", () => {
  const temporary = KINDS.filter(([kind]) => new FtpxError(kind).isTemporary);

  expect(temporary).toEqual(KINDS.filter(([, { exit }]) => exit === 69 || exit === 75));
});

test.each(KINDS)("error %s is found again by its code, with its details", (kind, { code }) => {
  const details = { path: "/a", limit: 3 };

  expect(errorOfCode(code, details, { isOperators: true })).toMatchObject({ kind, details });
});

test.each([
  "UNKNOWN_KEY",
  "CHANGED_KEY",
  "NOT_GENUINE",
  "INTERRUPTED",
  "USAGE",
  "OTHER_KEY",
] as const)(
  "%s is nothing that a server can tell a client: its code is shown, and nothing of its details",
  (kind) => {
    const error = errorOfCode(ERRORS[kind].code, { host: "h", file: "/etc/passwd", path: "/a" });

    expect(error.kind).toBe("SERVER_ERROR");
    expect(error.details).toEqual({ code: ERRORS[kind].code });
  },
);

test.each(["NO_SUCH_PATH", "KICKED", "BUSY_ACCOUNTS", "PEER_SILENT", "INTERNAL"] as const)(
  "%s is told by servers",
  (kind) => {
    expect(errorOfCode(ERRORS[kind].code, {}).kind).toBe(kind);
  },
);

test("a code that this version does not know ends the request and is shown by its number", () => {
  const error = errorOfCode(65_000, { path: "/a" });

  expect(error).toMatchObject({ kind: "SERVER_ERROR", details: { path: "/a", code: 65_000 } });
  expect(error.row.ends).toBe("request");
});

test.each([
  ["ENOENT", "NO_SUCH_PATH"],
  ["EEXIST", "EXISTS"],
  ["ENOTDIR", "NOT_A_DIRECTORY"],
  ["EISDIR", "IS_A_DIRECTORY"],
  ["ENOTEMPTY", "NOT_EMPTY"],
  ["ENAMETOOLONG", "NAME_TOO_LONG"],
  ["EACCES", "NO_PERMISSION"],
  ["EPERM", "NO_PERMISSION"],
  ["EROFS", "NO_PERMISSION"],
  ["ENOSPC", "DISK_FULL"],
  ["EDQUOT", "DISK_FULL"],
  ["EMFILE", "NO_DESCRIPTORS"],
  ["ENFILE", "NO_DESCRIPTORS"],
] as const)("the system's %s is %s, with its cause", (code, kind) => {
  const cause = Object.assign(new Error("no"), { code });
  const error = errorOfSystem(cause);

  expect(error).toMatchObject({ kind, details: {} });
  expect((error as Error).cause).toBe(cause);
});

test("EIO has no row of its own: it is IO_FAILED and named, ends the request and may pass", () => {
  const error = errorOfSystem(Object.assign(new Error("no"), { code: "EIO" }));

  expect(error).toMatchObject({ kind: "IO_FAILED", details: { reason: "EIO" } });
  expect(error).toMatchObject({ isTemporary: true, row: { ends: "request" } });
});

test.each([
  ["a refusal", new FtpxError("EXISTS")],
  ["an error without a code", new Error("a defect")],
  ["a code that is a number", Object.assign(new Error("no"), { code: 5 })],
  ["nothing", null],
  ["a text", "ENOENT"],
])("errorOfSystem leaves %s as it is", (_case, error) => {
  expect(errorOfSystem(error)).toBe(error);
});

test("withPath adds the path once, keeps everything else and leaves other errors alone", () => {
  const cause = new Error("EIO");
  const error = new FtpxError("QUOTA_EXCEEDED", { neededBytes: 5 }, { cause });
  const named = withPath(error, "/a");
  const defect = new Error("a defect");

  expect(named).toEqual(refusal("QUOTA_EXCEEDED", { neededBytes: 5, path: "/a" }));
  expect((named as Error).cause).toBe(cause);
  expect(withPath(named, "/b")).toBe(named);
  expect(withPath(defect, "/a")).toBe(defect);
});

test("isKind tells one of several kinds, and nothing of other errors", () => {
  const error = new FtpxError("EXISTS");

  expect(isKind(error, "NO_SUCH_PATH", "EXISTS")).toBeTrue();
  expect(isKind(error, "NO_SUCH_PATH")).toBeFalse();
  expect(isKind(Object.assign(new Error("EXISTS"), { kind: "EXISTS" }), "EXISTS")).toBeFalse();
  expect(isKind(undefined, "EXISTS")).toBeFalse();
});
