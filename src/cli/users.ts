/** `ftpx users`: accounts, what they use and may use, and who was here when. */
import type { Account } from "../accounts/account.ts";
import { FtpxError } from "../base/errors.ts";
import { formatCount, formatDuration, formatSize } from "../base/units.ts";
import { DATA, JSON_LINES } from "./args.ts";
import type { OptionsOf, Spec } from "./args.ts";
import { inColumns } from "./layout.ts";
import { withOffice } from "./office.ts";
import type { StoredUsage } from "./office.ts";
import { placeOf } from "./place.ts";
import { writeJson, writeLine } from "./terminal.ts";
import { formatDate } from "./verbs/entries.ts";

const OPTIONS = { data: DATA, json: JSON_LINES } as const;

export const USERS: Spec<typeof OPTIONS> = {
  name: "users",
  about: "Lists accounts with what they use and may use, or tells all about some",
  usage: "[NAME…]",
  words: [0, Number.POSITIVE_INFINITY],
  options: OPTIONS,
  examples: ["ftpx users", "ftpx users ann", "ftpx users --json"],
};

export async function users(
  names: readonly string[],
  options: OptionsOf<typeof OPTIONS>,
): Promise<void> {
  const place = placeOf(options.data);
  const directory = await place.openAccounts();
  const wanted = names.length === 0 ? [...directory.accounts.keys()].toSorted() : names;
  const accounts = wanted.map((user) => {
    const account = directory.find(user);
    if (account === undefined) throw new FtpxError("NO_SUCH_ACCOUNT", { user });
    return account;
  });
  const rows = await withOffice(place, async (office) => {
    const usages = await office.usages();
    return accounts.map((account) => rowOf(account, usages.get(account.name), office.isServed));
  });
  const nowMs = Date.now();
  if (options.json === true) for (const row of rows) writeJson(eventOf(row));
  else if (names.length > 0) writeLine(rows.map((row) => cardOf(row, nowMs)).join("\n\n"));
  else
    for (const line of inColumns([HEADINGS, ...rows.map((row) => cellsOf(row, nowMs))])) {
      writeLine(line);
    }
}

type Row = ReturnType<typeof rowOf>;

function rowOf(account: Account, usage: StoredUsage | undefined, isServed: boolean) {
  return {
    user: account.name,
    access: account.access,
    disabled: account.isDisabled,
    password: account.verifier !== undefined,
    keys: account.keys.length,
    usedBytes: usage?.usedBytes ?? 0,
    reservedBytes: usage?.reservedBytes ?? 0,
    usedFiles: usage?.usedFiles ?? 0,
    // An upload reserves one file each.
    unfinishedCount: usage?.reservedFiles ?? 0,
    limitBytes: usage?.limitBytes ?? account.quotaBytes,
    limitFiles: usage?.limitFiles ?? account.filesMax,
    hasOwnLimit: account.quotaBytes !== undefined,
    seenMs: usage?.seenMs,
    // A server that has not read the account yet has nobody of it either.
    sessionCount: usage?.sessionCount ?? (isServed ? 0 : undefined),
  };
}

/**
 * For programs, the same fields for everybody; `reservedFiles` is what `unfinishedCount` is
 * called where quotas are counted.
 */
function eventOf({ seenMs, hasOwnLimit: _own, ...row }: Row): Record<string, unknown> {
  const lastSeen = seenMs === undefined ? null : new Date(seenMs).toISOString();
  const { limitBytes = null, limitFiles = null, sessionCount = null } = row;
  const known = { limitBytes, limitFiles, sessionCount };
  return { ...row, ...known, reservedFiles: row.unfinishedCount, lastSeen };
}

const HEADINGS = [
  "USER",
  "ACCESS",
  "USED",
  "RESERVED",
  "LIMIT",
  "FILES",
  "UNFINISHED",
  "FILE LIMIT",
  "LAST SEEN",
];

function cellsOf(row: Row, nowMs: number): string[] {
  return [
    row.user,
    row.disabled ? "disabled" : row.access,
    formatSize(row.usedBytes),
    formatSize(row.reservedBytes),
    row.limitBytes === undefined ? "default" : formatSize(row.limitBytes),
    String(row.usedFiles),
    String(row.unfinishedCount),
    row.limitFiles === undefined ? "default" : String(row.limitFiles),
    seenText(row, nowMs),
  ];
}

/** All about one account, a line a fact. */
function cardOf(row: Row, nowMs: number): string {
  const { limitBytes, limitFiles, seenMs, sessionCount } = row;
  const limit = limitBytes === undefined ? "the server's default" : formatSize(limitBytes);
  const files = limitFiles === undefined ? "" : `, ${formatCount(limitFiles, "file")}`;
  const day = seenMs === undefined ? "" : ` (${formatDate(seenMs)})`;
  const facts: [name: string, fact: string][] = [
    ["access", row.disabled ? `${row.access}, disabled` : row.access],
    ["password", row.password ? "set" : "none"],
    ["keys", String(row.keys)],
    ["used", `${formatSize(row.usedBytes)} in ${formatCount(row.usedFiles, "file")}`],
    [
      "unfinished",
      `${formatCount(row.unfinishedCount, "upload")}, ${formatSize(row.reservedBytes)} reserved`,
    ],
    ["limit", `${limit}${files}${row.hasOwnLimit ? "" : " (by default)"}`],
    ["last seen", `${seenText(row, nowMs)}${day}`],
    ["sessions", sessionCount === undefined ? "no server is running" : String(sessionCount)],
  ];
  return [row.user, ...facts.map(([name, fact]) => `  ${name.padEnd(12)}${fact}`)].join("\n");
}

const MINUTE_MS = 60_000;

/** To the minute; a clock may have been set back since. */
function seenText({ seenMs, sessionCount = 0 }: Row, nowMs: number): string {
  if (sessionCount > 0) return "now";
  if (seenMs === undefined) return "never";
  const minutes = Math.floor((nowMs - seenMs) / MINUTE_MS);
  return minutes < 1 ? "just now" : `${formatDuration(minutes * MINUTE_MS)} ago`;
}
