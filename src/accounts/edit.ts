/**
 * Changes one account in the text of accounts.toml.
 *
 * Only the account's own `[users.NAME]` table is touched; every other byte stays, with
 * comments, order, line ends and a missing last line end. Accounts written in another way
 * (inline tables, dotted keys, sub-tables) are refused: somebody must edit them by hand.
 *
 * Everything here is pure and works on places that scanner.ts finds. That the result is
 * what was meant is proved afterwards in directory.ts, which also checks the values.
 */
import { FtpxError } from "../base/errors.ts";
import type { AccountKey } from "./account.ts";
import { ACCOUNT_KEYS, isUserName } from "./account.ts";
import type { Access } from "./grants.ts";
import { changeList } from "./list.ts";
import type { Statement } from "./scanner.ts";
import { placeOf, scan } from "./scanner.ts";

/** Values for an account's table. A key that is there and undefined is removed. */
export interface Changes {
  readonly password?: string | undefined;
  readonly keys?: readonly string[] | undefined;
  /** As `parseSize` reads it; see `formatQuota`. */
  readonly quota?: string | undefined;
  readonly files?: number | undefined;
  readonly access?: Access | undefined;
  readonly disabled?: boolean | undefined;
}

type Value = string | number | boolean | readonly string[];

/** An account's own table and the statements in it. */
interface Table {
  readonly header: Statement;
  readonly values: readonly Statement[];
  /** Where the next header begins, or where the text ends. */
  readonly limit: number;
  readonly isLast: boolean;
}

/** Keys are padded to one column, so that a table reads as one. */
const KEY_WIDTH = Math.max(...ACCOUNT_KEYS.map((key) => key.length));

/** Characters that would not show, or would show elsewhere; JSON leaves them as they are. */
const INVISIBLE = /[\u007f-\u009f\u2028\u2029\p{Cf}]/gu;

/**
 * Line and column, from 1, of what defines most of `path`, as `["users", "ann", "quota"]`;
 * the beginning of the text when nothing does.
 */
export function locate(text: string, path: readonly string[]): { line: number; column: number } {
  let index = 0;
  let depth = 0;
  for (const statement of scan(text)) {
    const common = commonDepth(statement.path, path);
    const isOnPath = common === Math.min(statement.path.length, path.length);
    if (isOnPath && common > depth) {
      depth = common;
      index = statement.start;
    }
  }
  return placeOf(text, index);
}

/**
 * Sets and removes keys of one account. Comments stay, those behind a changed value too.
 *
 * @throws FtpxError NO_SUCH_ACCOUNT, BAD_CONFIG
 */
export function setAccount(text: string, user: string, changes: Changes): string {
  findTable(text, user); // or a call without changes would say nothing about a missing account
  let changed = text;
  for (const key of ACCOUNT_KEYS.filter((name) => Object.hasOwn(changes, name))) {
    changed = setKey(changed, user, key, changes[key]);
  }
  return changed;
}

/**
 * Adds a table at the end, with one blank line in front.
 *
 * @throws FtpxError USAGE when it is no user name, ACCOUNT_EXISTS, BAD_CONFIG
 */
export function addAccount(text: string, user: string, fields: Changes): string {
  if (!isUserName(user)) {
    const reason = "a user name has 1 to 32 of a-z 0-9 . _ - and begins with a letter or digit";
    throw new FtpxError("USAGE", { reason });
  }
  const about = scan(text).find((statement) => isAbout(statement, user));
  if (about?.path.length === 1) refuseByHand(text, user, about);
  if (about !== undefined) throw new FtpxError("ACCOUNT_EXISTS", { user });
  const lineEnd = lineEndOf(text);
  const lines = [`[users.${formatKey(user)}]`];
  for (const key of ACCOUNT_KEYS) {
    const value = fields[key];
    if (value !== undefined) lines.push(formatLine(key, value, lineEnd));
  }
  return text + gapBefore(text, lineEnd) + lines.map((line) => line + lineEnd).join("");
}

/**
 * Removes an account's table with its header, its keys and the comments among them. The
 * comment directly above the next header is that table's and stays, as does a comment at
 * the end of the text with a blank line above it.
 *
 * @throws FtpxError NO_SUCH_ACCOUNT, BAD_CONFIG
 */
export function removeAccount(text: string, user: string): string {
  const table = findTable(text, user);
  return text.slice(0, table.header.lineStart) + text.slice(endOfTable(text, table));
}

function setKey(text: string, user: string, key: AccountKey, value: Value | undefined): string {
  const table = findTable(text, user);
  const found = table.values.find((statement) => statement.path[statement.tableDepth] === key);
  if (found === undefined) return value === undefined ? text : insertKey(text, table, key, value);
  if (value !== undefined) {
    const before = text.slice(found.valueStart, found.valueEnd);
    const changed = Array.isArray(value) ? changeList(before, value, formatText) : undefined;
    const written = changed ?? formatValue(value, lineEndOf(text));
    return text.slice(0, found.valueStart) + written + text.slice(found.valueEnd);
  }
  return text.slice(0, found.lineStart) + text.slice(found.end);
}

/** Behind the last key, indented as that one is. */
function insertKey(text: string, table: Table, key: AccountKey, value: Value): string {
  const last = table.values.at(-1) ?? table.header;
  const indentation = text.slice(last.lineStart, last.start);
  const lineEnd = lineEndOf(text);
  const line = indentation + formatLine(key, value, lineEnd);
  const isEnded = text[last.end - 1] === "\n";
  const insertion = isEnded ? line + lineEnd : lineEnd + line;
  return text.slice(0, last.end) + insertion + text.slice(last.end);
}

/** @throws FtpxError NO_SUCH_ACCOUNT, BAD_CONFIG */
function findTable(text: string, user: string): Table {
  const statements = scan(text);
  const own = statements.filter((statement) => isAbout(statement, user));
  const header = own[0];
  if (header === undefined) throw new FtpxError("NO_SUCH_ACCOUNT", { user });
  const values = own.slice(1);
  const isPlain =
    header.kind === "table" &&
    header.path.length === 2 &&
    values.every(
      ({ kind, path, tableDepth }) => kind === "value" && path.length === tableDepth + 1,
    );
  if (!isPlain) refuseByHand(text, user, header);
  const next = statements.find(({ kind, start }) => kind !== "value" && start > header.start);
  const limit = next === undefined ? text.length : next.lineStart;
  return { header, values, limit, isLast: next === undefined };
}

function refuseByHand(text: string, user: string, { start }: Statement): never {
  const table = `[users.${formatKey(user)}]`;
  const { line } = placeOf(text, start);
  const reason = `account ${user} is not one plain table ${table} (line ${line}); edit it by hand`;
  throw new FtpxError("BAD_CONFIG", { reason });
}

/** Whether a statement defines the account or something in it, in whatever way. */
function isAbout({ kind, path }: Statement, user: string): boolean {
  if (path[0] !== "users") return false;
  // `users = {…}` and `[[users]]` may hold anybody.
  if (path.length === 1) return kind !== "table";
  return path[1] === user;
}

function endOfTable(text: string, { header, values, limit, isLast }: Table): number {
  const lastEnd = (values.at(-1) ?? header).end;
  let start = isLast ? lastEnd + text.slice(lastEnd, limit).trimEnd().length : limit;
  for (;;) {
    const above = lineStartOf(text, start - 1);
    if (above < lastEnd || !/^[ \t]*#/.test(text.slice(above, start))) break;
    start = above;
  }
  const isApart = isBlank(text.slice(lineStartOf(text, start - 1), start));
  return isLast && !isApart ? limit : start;
}

function gapBefore(text: string, lineEnd: string): string {
  if (text === "") return "";
  if (!text.endsWith("\n")) return lineEnd + lineEnd;
  return isBlank(text.slice(lineStartOf(text, text.length - 1))) ? "" : lineEnd;
}

function isBlank(line: string): boolean {
  return line.trim() === "";
}

/** The beginning of the line that holds the character at `index`. */
function lineStartOf(text: string, index: number): number {
  return index <= 0 ? 0 : text.lastIndexOf("\n", index - 1) + 1;
}

function lineEndOf(text: string): string {
  const end = text.indexOf("\n");
  return end > 0 && text[end - 1] === "\r" ? "\r\n" : "\n";
}

function commonDepth(a: readonly string[], b: readonly string[]): number {
  const different = a.findIndex((name, index) => name !== b[index]);
  return different === -1 ? a.length : different;
}

function formatLine(key: AccountKey, value: Value, lineEnd: string): string {
  return `${key.padEnd(KEY_WIDTH)} = ${formatValue(value, lineEnd)}`;
}

/** A name as TOML has it: quoted when a dot would divide it. */
function formatKey(name: string): string {
  return /^[A-Za-z0-9_-]+$/.test(name) ? name : formatText(name);
}

function formatValue(value: Value, lineEnd: string): string {
  if (typeof value === "string") return formatText(value);
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  if (value.length < 2) return `[${value.map(formatText).join("")}]`;
  return ["[", ...value.map((text) => `  ${formatText(text)},`), "]"].join(lineEnd);
}

/** @throws FtpxError BAD_CONFIG for lone surrogates, which no file can hold */
function formatText(text: string): string {
  if (!text.isWellFormed()) throw new FtpxError("BAD_CONFIG", { reason: "text is not Unicode" });
  return JSON.stringify(text).replaceAll(INVISIBLE, (character) => {
    const point = character.codePointAt(0) ?? 0;
    return `\\U${point.toString(16).padStart(8, "0")}`;
  });
}
