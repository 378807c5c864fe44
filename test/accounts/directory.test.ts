import { afterEach, beforeEach, expect, test } from "bun:test";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { AccountDirectory } from "../../src/accounts/directory.ts";
import { FtpxError } from "../../src/base/errors.ts";
import { ACCOUNTS_FILE_BYTES_MAX } from "../../src/base/limits.ts";

const KEY = "JxpWJRY75fp0ekV9cjlT2W/HJE5dwmJtPn+pccYBT7I";
const VERIFIER = `argon2id-scram-sha256$m=8192,t=1,p=1$AQIDBAUGBwgJCgsMDQ4PEA$${KEY}$${KEY}`;
const TEXT = `# head\n\n[users.ann]\nquota = "1 GiB" # little\n\n# bob\n[users.bob]\nfiles = 5`;

let directory = "";
let file = "";
let heldCount = 0;
let lockedCount = 0;

beforeEach(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), "ftpx-"));
  file = path.join(directory, "accounts.toml");
  heldCount = 0;
  lockedCount = 0;
});

afterEach(() => {
  fs.rmSync(directory, { recursive: true });
});

/** A lock that counts; the file may only change while it is held. */
async function lock(): Promise<() => Promise<void>> {
  heldCount += 1;
  lockedCount += 1;
  return async () => {
    heldCount -= 1;
  };
}

function complaint(line: number, column: number, reason: string | RegExp): unknown {
  const matching = expect.stringMatching(reason);
  return expect.objectContaining({
    kind: "BAD_ACCOUNTS",
    details: { file, line, column, reason: matching },
  });
}

function failureOf(attempt: Promise<unknown>): Promise<unknown> {
  return attempt.then(
    () => "no failure",
    (failure: unknown) => failure,
  );
}

async function loaded(text?: string): Promise<AccountDirectory> {
  if (text !== undefined) fs.writeFileSync(file, text);
  const accounts = new AccountDirectory(file, lock);
  await accounts.load();
  return accounts;
}

/** Two looks: a change counts when it was seen twice. */
async function lookTwice(accounts: AccountDirectory): Promise<boolean> {
  return (await accounts.refresh()) || (await accounts.refresh());
}

test("a file that has never been there means no accounts", async () => {
  const accounts = await loaded();

  expect(accounts.accounts.size).toBe(0);
  expect(await lookTwice(accounts)).toBe(false);
});

test("load reads the accounts in their order", async () => {
  const accounts = await loaded(TEXT);

  expect([...accounts.accounts.keys()]).toEqual(["ann", "bob"]);
  expect(accounts.find("ann")).toMatchObject({ name: "ann", quotaBytes: 1024 ** 3 });
  expect(accounts.find("bob")?.filesMax).toBe(5);
});

test("I3: names and keys of Object.prototype find nobody", async () => {
  const accounts = await loaded(TEXT);

  for (const name of ["constructor", "toString", "__proto__", "hasOwnProperty"]) {
    expect(accounts.find(name)).toBeUndefined();
  }
});

test("a refused version is not taken, and the last good one stays", async () => {
  const accounts = await loaded(TEXT);
  fs.writeFileSync(file, TEXT.replace("1 GiB", "1 XB"));

  expect(await failureOf(accounts.load())).toEqual(complaint(4, 1, /^quota: "1 XB" is not a/));
  expect(accounts.find("ann")?.quotaBytes).toBe(1024 ** 3);
});

test("what is larger than the bound is refused without being read", async () => {
  fs.writeFileSync(file, "");
  fs.truncateSync(file, ACCOUNTS_FILE_BYTES_MAX + 1);

  expect(await failureOf(loaded())).toEqual(complaint(1, 1, /larger than/));
});

test("what is not UTF-8 is a complaint at the first wrong byte", async () => {
  fs.writeFileSync(file, Buffer.from("# a\n# b\xff\n", "latin1"));

  expect(await failureOf(loaded())).toEqual(complaint(2, 4, "not UTF-8"));
});

test("a directory or a FIFO in the file's place is a complaint, and blocks nothing", async () => {
  fs.mkdirSync(file);
  expect(await failureOf(loaded())).toEqual(complaint(1, 1, "not a file"));

  fs.rmdirSync(file);
  expect(Bun.spawnSync(["mkfifo", file]).success).toBe(true);
  expect(await failureOf(loaded())).toEqual(complaint(1, 1, "not a file"));
});

test("refresh takes a change when two looks saw the same", async () => {
  const accounts = await loaded(TEXT);
  expect(await lookTwice(accounts)).toBe(false);

  fs.writeFileSync(file, "");
  expect(await accounts.refresh()).toBe(false);
  fs.writeFileSync(file, TEXT.replace("1 GiB", "2 GiB"));
  expect(await accounts.refresh()).toBe(false);
  expect(await accounts.refresh()).toBe(true);
  expect(accounts.find("ann")?.quotaBytes).toBe(2 * 1024 ** 3);
  expect(await accounts.refresh()).toBe(false);
});

test("an account that did not change stays the same object", async () => {
  const accounts = await loaded(TEXT);
  const [ann, bob] = [accounts.find("ann"), accounts.find("bob")];
  fs.writeFileSync(file, TEXT.replace("1 GiB", "2 GiB"));
  await lookTwice(accounts);

  expect(accounts.find("bob")).toBe(bob);
  expect(accounts.find("ann")).not.toBe(ann);
});

test("A4: a mistake is complained about once, and the last good version stays", async () => {
  const accounts = await loaded(TEXT);
  fs.writeFileSync(file, `${TEXT}\npassword = "${VERIFIER.replace("m=8192", "m=4194304")}"\n`);

  const failure = await failureOf(lookTwice(accounts));
  expect(failure).toEqual(complaint(9, 1, /^password: m=4194304 is not/));
  expect(await lookTwice(accounts)).toBe(false);
  expect(accounts.accounts.size).toBe(2);

  fs.writeFileSync(file, `${TEXT}\npassword = "${VERIFIER}"\n`);
  expect(await lookTwice(accounts)).toBe(true);
  expect(accounts.find("bob")?.verifier?.memoryKib).toBe(8192);
});

test("a file that is gone is complained about once, and nobody is lost", async () => {
  const accounts = await loaded(TEXT);
  fs.rmSync(file);

  expect(await failureOf(lookTwice(accounts))).toEqual(complaint(1, 1, /is gone/));
  expect(await lookTwice(accounts)).toBe(false);
  expect(accounts.accounts.size).toBe(2);
  expect(await failureOf(accounts.add("carl", {}))).toEqual(complaint(1, 1, /is gone/));

  fs.writeFileSync(file, TEXT);
  expect(await lookTwice(accounts)).toBe(true);
});

test("watch reports changes and complaints until it is stopped", async () => {
  const accounts = await loaded(TEXT);
  const reports: string[] = [];
  let reported = Promise.withResolvers<void>();
  const report = (text: string) => {
    reports.push(text);
    reported.resolve();
  };
  const watch = accounts.watch(
    1,
    () => report(`${accounts.accounts.size} accounts`),
    (failure) => report((failure as FtpxError).kind),
  );
  for (const text of ["[users]\n", "oops", TEXT]) {
    fs.writeFileSync(file, text);
    await reported.promise;
    reported = Promise.withResolvers();
  }
  watch.stop();

  expect(reports).toEqual(["0 accounts", "BAD_ACCOUNTS", "2 accounts"]);
});

test("create writes the template, and only where there is no file", async () => {
  const accounts = await loaded();
  await accounts.create();
  const template = fs.readFileSync(file, "utf8");
  expect(template).toStartWith("# Accounts of an ftpx server.");
  expect(accounts.accounts.size).toBe(0);

  fs.writeFileSync(file, TEXT);
  await accounts.create();
  expect(fs.readFileSync(file, "utf8")).toBe(TEXT);
});

test("an account is added, changed and removed, in the file and in memory", async () => {
  const accounts = await loaded(TEXT);
  await accounts.add("a.b", { password: VERIFIER, quota: "2 GiB", keys: [], files: 7 });
  expect(accounts.find("a.b")).toMatchObject({ quotaBytes: 2 * 1024 ** 3, filesMax: 7 });
  expect(fs.readFileSync(file, "utf8")).toStartWith(`${TEXT}\n\n[users."a.b"]\n`);

  await accounts.set("ann", { quota: "5 GiB", disabled: true, files: undefined });
  expect(accounts.find("ann")).toMatchObject({ quotaBytes: 5 * 1024 ** 3, isDisabled: true });
  expect(fs.readFileSync(file, "utf8")).toContain('quota = "5 GiB" # little\n');

  await accounts.remove("a.b");
  await accounts.remove("bob");
  expect([...accounts.accounts.keys()]).toEqual(["ann"]);
  expect([...(await loaded()).accounts.keys()]).toEqual(["ann"]);
  expect([heldCount, lockedCount]).toEqual([0, 4]);
});

test("the watch sees an edit of this process too", async () => {
  const accounts = await loaded(TEXT);
  await accounts.set("ann", { disabled: true });

  expect(await lookTwice(accounts)).toBe(true);
});

test("A7: whoever makes this process write again and again hides no change of another", async () => {
  const accounts = await loaded(TEXT);
  const other = await loaded();
  let isChanged = false;
  await other.set("bob", { disabled: true });
  for (let count = 1; count <= 3; count += 1) {
    await accounts.set("ann", { files: count });
    isChanged ||= await accounts.refresh();
  }

  expect(isChanged).toBe(true);
  expect(accounts.find("bob")?.isDisabled).toBe(true);
});

test("what an editor writes over an edit of this process is looked at twice", async () => {
  const accounts = await loaded(TEXT);
  await accounts.set("ann", { files: 7 });
  fs.writeFileSync(file, "");

  expect(await accounts.refresh()).toBe(false);
  expect([...accounts.accounts.keys()]).toEqual(["ann", "bob"]);
});

test("the first account goes below the template", async () => {
  const accounts = await loaded();
  await accounts.add("ann", { files: 1 });
  const text = fs.readFileSync(file, "utf8");

  expect(text).toStartWith("# Accounts of an ftpx server.");
  expect(text).toEndWith("\n\n[users.ann]\nfiles    = 1\n");
  expect(fs.statSync(file).mode & 0o777).toBe(0o600);
});

test.each([
  ["I2: a name that is none", 'a"]\n[users.root]\nadmin=true', {}, "USAGE"],
  ["I2: a name of Object.prototype", "__proto__", {}, "USAGE"],
  ["I2: an empty name", "", {}, "USAGE"],
  ["I2: a name with a lone surrogate", "\ud800", {}, "USAGE"],
  ["an account that is there", "ann", {}, "ACCOUNT_EXISTS"],
  ["A6: a damaged verifier", "carl", { password: "x" }, "BAD_ACCOUNTS"],
  ["A6: a damaged key", "carl", { keys: ["ssh-ed25519 AAAA"] }, "BAD_ACCOUNTS"],
  ["a size that is none", "carl", { quota: "much" }, "BAD_ACCOUNTS"],
  ["a negative count", "carl", { files: -1 }, "BAD_ACCOUNTS"],
  ["a count that is not whole", "carl", { files: 1.5 }, "BAD_ACCOUNTS"],
  ["a count that is none", "carl", { files: NaN }, "BAD_ACCOUNTS"],
])("%s is refused and the file stays byte for byte", async (_case, name, fields, kind) => {
  const accounts = await loaded(TEXT);
  const failure = await failureOf(accounts.add(name, fields));

  expect(failure).toEqual(expect.objectContaining({ kind }));
  expect(fs.readFileSync(file, "utf8")).toBe(TEXT);
  expect(fs.readdirSync(directory)).toEqual(["accounts.toml"]);
  expect([...accounts.accounts.keys()]).toEqual(["ann", "bob"]);
  expect(heldCount).toBe(0);
});

test("an edit that comes out other than it was meant is refused", async () => {
  const accounts = await loaded(TEXT);
  let count = 0;
  const changes = {
    get files() {
      return (count += 1);
    },
  };

  expect(await failureOf(accounts.set("ann", changes))).toMatchObject({ kind: "BAD_CONFIG" });
  expect(fs.readFileSync(file, "utf8")).toBe(TEXT);
});

test("an account that is not a table of its own is not edited", async () => {
  const text = "[users]\nbob = { files = 1 }\n[users.ann]\nfiles = 1\n";
  const accounts = await loaded(text);

  const byHand = expect.objectContaining({ kind: "BAD_CONFIG" });
  expect(await failureOf(accounts.set("bob", { files: 2 }))).toEqual(byHand);
  expect(await failureOf(accounts.remove("bob"))).toEqual(byHand);
  expect(fs.readFileSync(file, "utf8")).toBe(text);
});

test("a mistake in an account can be mended by a command, and no other edit is made before", async () => {
  const accounts = await loaded();
  fs.writeFileSync(file, TEXT.replace("1 GiB", "1 XB"));

  const failure = await failureOf(accounts.set("bob", { files: 6 }));
  expect(failure).toEqual(complaint(4, 1, /1 XB/));
  await accounts.set("ann", { quota: "3 GiB" });
  expect(fs.readFileSync(file, "utf8")).toBe(TEXT.replace("1 GiB", "3 GiB"));
});

test("an edit without effect writes nothing", async () => {
  const accounts = await loaded(TEXT);
  const before = fs.statSync(file, { bigint: true });
  await accounts.set("bob", { files: 5, quota: undefined });

  expect(fs.statSync(file, { bigint: true }).ino).toBe(before.ino);
});

test("F6: a full disk leaves the file and the accounts as they were, and says so", async () => {
  fs.writeFileSync(file, TEXT);
  const accounts = new AccountDirectory(file, lock, () =>
    Promise.reject(new FtpxError("DISK_FULL")),
  );
  await accounts.load();
  const failure = await failureOf(accounts.set("ann", { quota: "2 GiB" }));

  expect(failure).toMatchObject({ kind: "DISK_FULL", details: { path: file } });
  expect(fs.readFileSync(file, "utf8")).toBe(TEXT);
  expect(accounts.find("ann")?.quotaBytes).toBe(1024 ** 3);
  expect(heldCount).toBe(0);
});

test("what was saved by hand during an edit is not lost", async () => {
  const accounts = await loaded(TEXT);
  const saved = `${TEXT}\nfiles = 7\n`;
  const changes = {
    // Read between the reading of the file and its writing.
    get disabled() {
      fs.writeFileSync(file, saved);
      return true;
    },
  };

  expect(await failureOf(accounts.set("ann", changes))).toMatchObject({ kind: "BUSY_ACCOUNTS" });
  expect(fs.readFileSync(file, "utf8")).toBe(saved);
});
