/**
 * What a text of accounts.toml says (only user of smol-toml). Pure.
 *
 * Parsed tables become Maps at once and are never spread or assigned, because `__proto__`
 * and `constructor` are keys like any other. A text is parsed first, and what it says is
 * checked as it is asked for: of a text with a mistake it can be of interest whether it says
 * `users` at all.
 */
import { parse, TomlError } from "smol-toml";
import { ACCOUNTS_NESTING_MAX } from "../base/limits.ts";
import type { Account } from "./account.ts";
import { accountOf, isUserName } from "./account.ts";
import { locate } from "./edit.ts";
import { refuse } from "./reading.ts";

export type Accounts = ReadonlyMap<string, Account>;

/** A table as it was parsed, before anything in it was checked. */
export type Table = ReadonlyMap<string, unknown>;

export interface Parsed {
  readonly text: string;
  readonly root: Table;
}

/** How a file says that nobody has an account. */
export const NOBODY = "[users]\n";

/** @param file what complaints call it @throws FtpxError BAD_ACCOUNTS when it is not TOML */
export function parseText(text: string, file: string): Parsed {
  try {
    const options = { integersAsBigInt: true, maxDepth: ACCOUNTS_NESTING_MAX } as const;
    return { text, root: new Map(Object.entries(parse(text, options))) };
  } catch (failure) {
    if (!(failure instanceof TomlError)) throw failure;
    const { line, column, message } = failure;
    // Behind the first line the parser quotes the text, which may be a verifier.
    const reason = message.split("\n", 1).join().replace("Invalid TOML document: ", "");
    const isBare = UNQUOTED.test(reason);
    return refuse(file, isBare ? `${reason} (${QUOTES})` : reason, { line, column });
  }
}

/** What the parser says of a text without quotes. */
const UNQUOTED = /end-of-line|invalid value|in numeric literal/;
const QUOTES = 'texts need quotes, as in quota = "20 MiB"';

/** Whether it holds a table `users`, be it empty. */
export function saysUsers({ root }: Parsed): boolean {
  return root.has("users");
}

/**
 * The accounts, in the order of the text.
 *
 * @throws FtpxError BAD_ACCOUNTS with the place of the first mistake
 */
export function accountsOf(parsed: Parsed, file: string): Accounts {
  const accounts = new Map<string, Account>();
  for (const [name, table] of tablesOf(parsed, file)) {
    const complain = (reason: string, key?: string): never => {
      const path = key === undefined ? ["users", name] : ["users", name, key];
      return refuse(file, reason, locate(parsed.text, path));
    };
    if (!isUserName(name)) complain(`${JSON.stringify(name)} is no user name`);
    accounts.set(name, accountOf(name, table, complain));
  }
  return accounts;
}

/** The tables below `users`, not yet checked. @throws FtpxError BAD_ACCOUNTS */
export function tablesOf({ text, root }: Parsed, file: string): Map<string, Table> {
  for (const key of root.keys()) {
    if (key === "users") continue;
    const reason = `${JSON.stringify(key)} means nothing here; an account is a table [users.NAME]`;
    refuse(file, reason, locate(text, [key]));
  }
  const users = root.get("users") ?? {};
  if (!isTable(users)) refuse(file, "users is not a table", locate(text, ["users"]));
  const tables = new Map<string, Table>();
  for (const [name, table] of Object.entries(users)) {
    const isAccount = isTable(table);
    if (!isAccount)
      refuse(file, "an account is a table [users.NAME]", locate(text, ["users", name]));
    else tables.set(name, new Map(Object.entries(table)));
  }
  return tables;
}

function isTable(value: unknown): value is object {
  const isOther = Array.isArray(value) || value instanceof Date;
  return typeof value === "object" && value !== null && !isOther;
}
