import { expect, test } from "bun:test";
import fs from "node:fs";
import { ACCOUNT_KEYS } from "../../src/accounts/account.ts";
import { parseAccounts } from "../support/accountstext.ts";
import { TEMPLATE } from "../../src/accounts/template.ts";
import { FtpxError } from "../../src/base/errors.ts";

const SECRET = "JxpWJRY75fp0ekV9cjlT2W/HJE5dwmJtPn+pccYBT7I";

/** The complaint about a text, as a person reads it. */
function complaintAbout(text: string): string {
  try {
    parseAccounts(text, "accounts.toml");
  } catch (failure) {
    if (!(failure instanceof FtpxError)) throw failure;
    const { file, line, column, reason } = failure.details;
    return `${failure.kind} ${file}:${line}:${column}: ${reason}`;
  }
  return "no complaint";
}

test.each([
  ["a syntax error", "[users.ann]\nquota 10\n", "2:7: illegal character in key"],
  [
    "a size without quotes",
    "[users.ann]\nquota = 10 GiB\n",
    "2:12: each key-value declaration must be followed by an end-of-line (texts need quotes, ",
  ],
  [
    "a word without quotes",
    "[users.ann]\naccess = full\n",
    "2:10: invalid value (texts need quotes",
  ],
  [
    "a size without quotes and space",
    "[users.ann]\nquota = 20MiB\n",
    "2:11: illegal character in numeric literal (texts need quotes",
  ],
  ["a string that does not end", '[users.ann]\npassword = "x\n', "2:"],
  ["a key twice", "[users.ann]\nfiles = 1\nfiles = 2\n", "3:1: "],
  ["an account twice", "[users.ann]\n\n[users.ann]\n", "3:"],
  ["an account twice by escapes", '[users.ann]\n[users."\\u0061nn"]\n', "2:"],
  ["lists too deep", `[users.ann]\nkeys = ${"[".repeat(100_000)}`, "2:"],
  ["another table", "# x\n[server]\nport = 1\n", '2:1: "server" means nothing here'],
  ["a key at the top", "[users.ann]\n[x]", '2:1: "x" means nothing here'],
  ["__proto__ at the top", "[__proto__]\nx = 1", '1:1: "__proto__" means nothing here'],
  ["users that are no table", "\nusers = 1", "2:1: users is not a table"],
  ["an array of users", "[[users]]\nname = 1", "1:1: users is not a table"],
  ["an account that is no table", "[users]\nann = 1", "2:1: an account is a table [users.NAME]"],
  ["an array of accounts", "[[users.ann]]", "1:1: an account is a table [users.NAME]"],
  ["an account that is a date", "[users]\nann = 1979-05-27", "2:1: an account is a table"],
  ["a name that is none", "[users.Ann]", '1:1: "Ann" is no user name'],
  ["I3: __proto__ as a name", "[users.ann]\n[users.__proto__]", '2:1: "__proto__" is no user name'],
  ["an empty name", '[users.""]', '1:1: "" is no user name'],
  [
    "an unknown key",
    "[users.ann]\n  qouta = 1\n",
    '2:3: unknown key "qouta" (did you mean quota?)',
  ],
  ["I3: __proto__ as a key", "[users.ann]\n__proto__ = 1", '2:1: unknown key "__proto__"'],
  ["I3: constructor as a key", "[users.ann]\nconstructor = 1", '2:1: unknown key "constructor"'],
  [
    "a wrong value far down",
    "[users.ann]\n\n# x\nfiles = -1 # y",
    "4:1: files: not a whole number",
  ],
  [
    "a wrong value in an inline table",
    "[users]\n ann = { files = 'x' }",
    "2:2: files: not a whole",
  ],
  ["an integer over 2^53", "[users.ann]\nfiles = 9007199254740993", "2:1: files: not a whole"],
  ["A6: an empty password", '[users.ann]\npassword = ""', "2:1: password: not of the form"],
])("%s is a complaint with its place", (_case, text, complaint) => {
  expect(complaintAbout(text)).toStartWith(`BAD_ACCOUNTS accounts.toml:${complaint}`);
});

test.each([
  ["m=262145,t=2,p=1", "m=262145 is not 8192 to 262144 KiB"],
  ["m=4194304,t=2,p=1", "m=4194304 is not 8192 to 262144 KiB"],
  ["m=19456,t=11,p=1", "t=11 is not 1 to 10 passes"],
  ["m=19456,t=2,p=4", "p=4 is not 1"],
])("A4 R26: a verifier with %s is a complaint with its place", (parameters, reason) => {
  const verifier = `argon2id-scram-sha256$${parameters}$AQIDBAUGBwgJCgsMDQ4PEA$${SECRET}$${SECRET}`;
  const text = `[users.bob]\n[users.ann]\nfiles = 1\npassword = "${verifier}"`;

  expect(complaintAbout(text)).toBe(`BAD_ACCOUNTS accounts.toml:4:1: password: ${reason}`);
});

test("a complaint never quotes the text, which may be a verifier", () => {
  const texts = [`password = "${SECRET}`, `password = ${SECRET}`, `password = ["${SECRET}"]`];
  for (const text of texts) {
    expect(complaintAbout(`[users.ann]\n${text}\n`)).toStartWith("BAD_ACCOUNTS");
    expect(complaintAbout(`[users.ann]\n${text}\n`)).not.toContain(SECRET);
  }
});

test("accounts may be written in every way that TOML knows", () => {
  const text = `[users]\nbob = { quota = "1 GiB" }\n"d" = {}\ncarl.files = 1\n[users.ann]\n`;

  expect([...parseAccounts(text, "accounts.toml").keys()].toSorted()).toEqual([
    "ann",
    "bob",
    "carl",
    "d",
  ]);
});

test("I3: a user may be called constructor, and is an account like any other", () => {
  const accounts = parseAccounts("[users.constructor]\nfiles = 1", "accounts.toml");

  expect([...accounts.keys()]).toEqual(["constructor"]);
  expect(accounts.get("constructor")?.filesMax).toBe(1);
});

test("the template holds no account and is the accounts.toml of the repository", () => {
  const file = fs.readFileSync(new URL("../../accounts.toml", import.meta.url), "utf8");

  expect(file).toBe(TEMPLATE);
  expect(parseAccounts(TEMPLATE, "accounts.toml").size).toBe(0);
});

test("the template explains every key, and works without its comment marks", () => {
  const example = TEMPLATE.slice(TEMPLATE.indexOf("# [users.ann]"));
  const text = example.replaceAll(/^# ?/gm, "").replaceAll(/^(password|keys) .*$/gm, "");

  expect(parseAccounts(text, "accounts.toml").get("ann")).toMatchObject({
    quotaBytes: 10 * 1024 ** 3,
    filesMax: 100_000,
    access: "full",
    isDisabled: false,
  });
  for (const key of ACCOUNT_KEYS) expect(example).toMatch(new RegExp(`^# ${key} +=`, "m"));
});
