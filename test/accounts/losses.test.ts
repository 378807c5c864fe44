/** accounts.toml that was lost, emptied, or never comes to rest. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import fs from "node:fs";
import { AccountDirectory } from "../../src/accounts/directory.ts";
import { Folder } from "../support/folder.ts";
import { failureOf } from "../support/refusal.ts";

const TEXT = `[users.ann]\nquota = "1 GiB"\n\n[users.bob]\nfiles = 5`;

let folder: Folder;
let file = "";

beforeEach(() => {
  folder = new Folder();
  file = folder.at("accounts.toml");
});

afterEach(() => folder.remove());

const lock = async () => async () => {};

function complaint(line: number, column: number, reason: RegExp): unknown {
  const details = { file, line, column, reason: expect.stringMatching(reason) };
  return expect.objectContaining({ kind: "BAD_ACCOUNTS", details });
}

async function loaded(text: string): Promise<AccountDirectory> {
  fs.writeFileSync(file, text);
  const accounts = new AccountDirectory(file, lock);
  await accounts.load();
  return accounts;
}

/** Two looks: a change counts when it was seen twice. */
async function lookTwice(accounts: AccountDirectory): Promise<boolean> {
  return (await accounts.refresh()) || (await accounts.refresh());
}

test("a file that never comes to rest is taken at the third look", async () => {
  const accounts = await loaded(TEXT);
  for (const [size, isTaken] of [
    ["2 GiB", false],
    ["3 GiB", false],
    ["4 GiB", true],
    ["5 GiB", false],
    ["6 GiB", false],
    ["7 GiB", true],
  ] as const) {
    fs.writeFileSync(file, TEXT.replace("1 GiB", size));
    expect([size, await accounts.refresh()]).toEqual([size, isTaken]);
  }

  expect(accounts.find("ann")?.quotaBytes).toBe(7 * 1024 ** 3);
});

test.each(["", "# nobody\n"])("a file that lost its accounts is a complaint: %p", async (text) => {
  const accounts = await loaded(TEXT);
  fs.writeFileSync(file, text);
  const lost = complaint(1, 1, /no account is left.*say \[users\]/);

  expect(await failureOf(lookTwice(accounts))).toEqual(lost);
  expect(await lookTwice(accounts)).toBe(false);
  expect(await failureOf(accounts.add("carl", {}))).toEqual(lost);
  expect(accounts.accounts.size).toBe(2);
  expect(fs.readFileSync(file, "utf8")).toBe(text);

  fs.writeFileSync(file, "[users]\n");
  expect(await lookTwice(accounts)).toBe(true);
  expect(accounts.accounts.size).toBe(0);
});

test("a file that is missing or empty is refused where there are homes", async () => {
  const begin = () => new AccountDirectory(file, lock, undefined, async () => true);
  expect(await failureOf(begin().load())).toEqual(complaint(1, 1, /is gone, but storage/));
  expect(await failureOf(begin().add("ann", {}))).toEqual(complaint(1, 1, /is gone, but/));
  expect(fs.existsSync(file)).toBe(false);

  fs.writeFileSync(file, "");
  expect(await failureOf(begin().create())).toEqual(complaint(1, 1, /no account is left/));
  fs.writeFileSync(file, "[users]\n");
  await begin().add("ann", {});
  expect(fs.readFileSync(file, "utf8")).toStartWith("[users]\n");
});

test("the last account that a command removes leaves a file that says so", async () => {
  const accounts = await loaded(TEXT);
  const other = new AccountDirectory(file, lock);
  await other.remove("ann");
  await other.remove("bob");

  expect(await lookTwice(accounts)).toBe(true);
  expect(accounts.accounts.size).toBe(0);
  await other.add("carl", {});
  expect(await lookTwice(accounts)).toBe(true);
  expect([...accounts.accounts.keys()]).toEqual(["carl"]);
});
