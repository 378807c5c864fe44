/** What a text of accounts.toml says, as the server reads it. */
import { accountsOf, parseText } from "../../src/accounts/parsing.ts";
import type { Accounts } from "../../src/accounts/parsing.ts";

export function parseAccounts(text: string, file: string): Accounts {
  return accountsOf(parseText(text, file), file);
}
