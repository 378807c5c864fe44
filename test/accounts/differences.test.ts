import { expect, test } from "bun:test";
import { differencesOf, printsOf } from "../../src/accounts/differences.ts";
import { parseAccounts } from "../support/accountstext.ts";

const read = (text: string) => printsOf(parseAccounts(text, "accounts.toml"));

test("accounts that came, changed and went are told with the names of their fields", () => {
  const before = read(`[users.ann]\nquota = "1 GiB"\n[users.bob]\n[users.carl]\n`);
  const after = read(
    `[users.ann]\nquota = "2 GiB"\ndisabled = true\n[users.bob]\n[users.dora]\nfiles = 5\n`,
  );

  expect(differencesOf(before, after)).toEqual([
    { event: "account-changed", name: "ann", fields: ["quota", "disabled"] },
    { event: "account-added", name: "dora", fields: ["files"] },
    { event: "account-removed", name: "carl", fields: [] },
  ]);
  expect(differencesOf(after, after)).toEqual([]);
});
