/**
 * What has become of the accounts between two versions of accounts.toml, for the audit log:
 * whose account came, went or changed, and in which fields. The fields are named and their
 * values are not, because a verifier is nobody's to read: what is compared, and may be kept
 * beside the log, has a digest of it.
 */
import { formatVerifier } from "../base/verifier.ts";
import { ACCOUNT_KEYS } from "./account.ts";
import type { Account, AccountKey } from "./account.ts";
import type { Accounts } from "./parsing.ts";

export interface Difference {
  readonly event: "account-added" | "account-changed" | "account-removed";
  readonly name: string;
  /** As accounts.toml calls them; for an account that came, those that it has. */
  readonly fields: readonly AccountKey[];
}

/** What tells of each field that an account names whether it has changed. */
export type Print = Readonly<Partial<Record<AccountKey, string>>>;

export type Prints = ReadonlyMap<string, Print>;

export function printsOf(accounts: Accounts): Map<string, Print> {
  return new Map([...accounts].map(([name, account]) => [name, printOf(account)]));
}

export function differencesOf(before: Prints, after: Prints): Difference[] {
  const found: Difference[] = [];
  for (const [name, print] of after) {
    const old = before.get(name);
    const fields = ACCOUNT_KEYS.filter((key) => old?.[key] !== print[key]);
    const event = old === undefined ? "account-added" : "account-changed";
    if (old === undefined || fields.length > 0) found.push({ event, name, fields });
  }
  for (const name of before.keys()) {
    if (!after.has(name)) found.push({ event: "account-removed", name, fields: [] });
  }
  return found;
}

function printOf({ verifier, keys, quotaBytes, filesMax, access, isDisabled }: Account): Print {
  return {
    ...(verifier === undefined ? {} : { password: digestOf(formatVerifier(verifier)) }),
    ...(keys.length === 0 ? {} : { keys: digestOf(JSON.stringify(keys)) }),
    ...(quotaBytes === undefined ? {} : { quota: String(quotaBytes) }),
    ...(filesMax === undefined ? {} : { files: String(filesMax) }),
    ...(access === "full" ? {} : { access }),
    ...(isDisabled ? { disabled: "true" } : {}),
  };
}

function digestOf(text: string): string {
  return new Bun.CryptoHasher("sha256").update(text).digest("base64").slice(0, DIGEST_CHARACTERS);
}

/** 96 bits: nothing that changed looks as if it had not. */
const DIGEST_CHARACTERS = 16;
