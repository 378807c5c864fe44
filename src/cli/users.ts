/** `ftpx users`: accounts with what they use and may use, as server or state know it. */
import type { Account } from "../accounts/account.ts";
import { formatSize } from "../base/units.ts";
import { openExisting } from "./admin.ts";
import { DATA, JSON_LINES } from "./args.ts";
import type { OptionsOf, Spec } from "./args.ts";
import { inColumns } from "./layout.ts";
import { withOffice } from "./office.ts";
import type { StoredUsage } from "./office.ts";
import { placeOf } from "./place.ts";
import { writeJson, writeLine } from "./terminal.ts";

const OPTIONS = { data: DATA, json: JSON_LINES } as const;

export const USERS: Spec<typeof OPTIONS> = {
  name: "users",
  about: "Lists accounts with what they use and may use",
  usage: "",
  words: [0, 0],
  options: OPTIONS,
  examples: ["ftpx users", "ftpx users --json"],
};

export async function users(
  _words: readonly string[],
  options: OptionsOf<typeof OPTIONS>,
): Promise<void> {
  const place = placeOf(options.data);
  const directory = await openExisting(place);
  const usages = await withOffice(place, (office) => office.usages());
  const rows = [...directory.accounts.values()].map((account) => ({
    user: account.name,
    access: account.access,
    disabled: account.isDisabled,
    ...usageOf(account, usages.get(account.name)),
  }));
  if (options.json === true) for (const row of rows) writeJson(row);
  else for (const line of inColumns([HEADINGS, ...rows.map(cellsOf)])) writeLine(line);
}

function usageOf(account: Account, usage: StoredUsage | undefined) {
  return {
    usedBytes: usage?.usedBytes ?? 0,
    reservedBytes: usage?.reservedBytes ?? 0,
    usedFiles: usage?.usedFiles ?? 0,
    reservedFiles: usage?.reservedFiles ?? 0,
    limitBytes: usage?.limitBytes ?? account.quotaBytes,
    limitFiles: usage?.limitFiles ?? account.filesMax,
  };
}

type Row = ReturnType<typeof usageOf> & {
  readonly user: string;
  readonly access: string;
  readonly disabled: boolean;
};

const HEADINGS = ["USER", "ACCESS", "USED", "RESERVED", "LIMIT", "FILES", "RESERVED", "LIMIT"];

function cellsOf(row: Row): string[] {
  return [
    row.user,
    row.disabled ? "disabled" : row.access,
    formatSize(row.usedBytes),
    formatSize(row.reservedBytes),
    row.limitBytes === undefined ? "default" : formatSize(row.limitBytes),
    String(row.usedFiles),
    String(row.reservedFiles),
    row.limitFiles === undefined ? "default" : String(row.limitFiles),
  ];
}
