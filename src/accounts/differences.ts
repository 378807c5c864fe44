/**
 * What has become of the accounts between two versions of accounts.toml, for the audit log:
 * whose account came, went or changed, and in which fields. The fields are named and their
 * values are not, because a verifier is nobody's to read.
 */
import { isDeepStrictEqual } from "node:util";
import type { Account, AccountKey } from "./account.ts";
import type { Accounts } from "./parsing.ts";

export interface Difference {
  readonly event: "account-added" | "account-changed" | "account-removed";
  readonly name: string;
  /** As accounts.toml calls them; for an account that came, those that it has. */
  readonly fields: readonly AccountKey[];
}

const FIELDS: readonly (readonly [AccountKey, (account: Account) => unknown])[] = [
  ["password", ({ verifier }) => verifier],
  ["keys", ({ keys }) => keys],
  ["quota", ({ quotaBytes }) => quotaBytes],
  ["files", ({ filesMax }) => filesMax],
  ["access", ({ access }) => access],
  ["disabled", ({ isDisabled }) => isDisabled],
];

const BLANK: Omit<Account, "name"> = {
  verifier: undefined,
  keys: [],
  quotaBytes: undefined,
  filesMax: undefined,
  access: "full",
  isDisabled: false,
};

export function differencesOf(before: Accounts, after: Accounts): Difference[] {
  const found: Difference[] = [];
  for (const [name, account] of after) {
    const old = before.get(name);
    if (old === account) continue;
    const fields = changedFields(old ?? { ...BLANK, name }, account);
    const event = old === undefined ? "account-added" : "account-changed";
    if (old === undefined || fields.length > 0) found.push({ event, name, fields });
  }
  for (const name of before.keys()) {
    if (!after.has(name)) found.push({ event: "account-removed", name, fields: [] });
  }
  return found;
}

function changedFields(before: Account, after: Account): AccountKey[] {
  const changed = FIELDS.filter(([, read]) => !isDeepStrictEqual(read(before), read(after)));
  return changed.map(([key]) => key);
}
