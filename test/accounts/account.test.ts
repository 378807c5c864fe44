import { expect, test } from "bun:test";
import type { AccountKey } from "../../src/accounts/account.ts";
import { accountOf, isUserName } from "../../src/accounts/account.ts";
import type { Access, Grant } from "../../src/accounts/grants.ts";
import { grantsOf, isAccess } from "../../src/accounts/grants.ts";
import { formatVerifier } from "../../src/base/verifier.ts";

const KEY = "JxpWJRY75fp0ekV9cjlT2W/HJE5dwmJtPn+pccYBT7I";
const VERIFIER = `argon2id-scram-sha256$m=8192,t=1,p=1$AQIDBAUGBwgJCgsMDQ4PEA$${KEY}$${KEY}`;
const KEY_LINE = `ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI${"H".repeat(43)} ann@laptop`;

function complain(reason: string, key?: string): never {
  throw new Error(`${key ?? "-"}: ${reason}`);
}

function accountWith(key: string, value: unknown) {
  return accountOf("ann", new Map([[key, value]]), complain);
}

test("an account with nothing in its table has the defaults, and nobody can sign in", () => {
  expect(accountOf("ann", new Map(), complain)).toEqual({
    name: "ann",
    verifier: undefined,
    keys: [],
    quotaBytes: undefined,
    filesMax: undefined,
    access: "full",
    isDisabled: false,
  });
});

test("an account takes all its keys from its table", () => {
  const table = new Map<AccountKey, unknown>([
    ["password", VERIFIER],
    ["keys", [KEY_LINE]],
    ["quota", "10 GiB"],
    ["files", 100_000n],
    ["access", "read-only"],
    ["disabled", true],
  ]);
  const account = accountOf("ann", table, complain);

  expect(account).toMatchObject({ keys: [KEY_LINE], quotaBytes: 10 * 1024 ** 3, filesMax: 1e5 });
  expect(account).toMatchObject({ access: "read-only", isDisabled: true });
  expect(account.verifier && formatVerifier(account.verifier)).toBe(VERIFIER);
});

test.each([
  ["0", 0n, 0],
  ["a plain number", 1_000_000n, 1_000_000],
  ["the largest safe integer", 2n ** 53n - 1n, Number.MAX_SAFE_INTEGER],
  ["a text", "1.5 TiB", 1.5 * 1024 ** 4],
])("a quota may be %s", (_case, value, quotaBytes) => {
  expect(accountWith("quota", value)).toMatchObject({ quotaBytes });
});

test.each<[string, unknown, RegExp]>([
  ["password", 1n, /^password: password: not a text/],
  ["password", "", /not of the form/],
  ["password", "secret", /not of the form/],
  ["password", VERIFIER.replace("m=8192", "m=262145"), /m=262145 is not 8192 to 262144 KiB/],
  ["password", VERIFIER.replace("t=1", "t=11"), /t=11 is not/],
  ["password", VERIFIER.replace("p=1", "p=2"), /p=2 is not 1/],
  ["password", VERIFIER.replace(`$${KEY}$`, () => "$$"), /StoredKey/],
  ["keys", "ssh-ed25519 …", /^keys: keys: not a list/],
  ["keys", [1n], /not a list of texts/],
  ["keys", [""], /a key is not of the form/],
  ["keys", [KEY_LINE, "ssh-rsa AAAAB3NzaC1yc2E= x"], /a key is not of the form/],
  ["quota", "10 XB", /^quota: quota: "10 XB" is not a size/],
  ["quota", -1n, /not a whole number/],
  ["quota", 1.5, /not a whole number/],
  ["quota", 2n ** 53n, /not a whole number/],
  ["quota", true, /not a whole number/],
  ["quota", ["1"], /not a whole number/],
  ["files", "100", /not a whole number/],
  ["files", NaN, /not a whole number/],
  ["access", "FULL", /^access: access: not one of full, read-only, upload-only/],
  ["access", "constructor", /not one of/],
  ["access", 1n, /not one of/],
  ["disabled", "false", /not true or false/],
  ["disabled", 0n, /not true or false/],
])("A4 A6: %s = %p is a complaint about that key", (key, value, complaint) => {
  expect(() => accountWith(key, value)).toThrow(complaint);
});

test("a complaint does not repeat a secret", () => {
  expect(() => accountWith("password", VERIFIER.replace("t=1", "t=11"))).not.toThrow(KEY);
});

test.each([
  ["qouta", 'qouta: unknown key "qouta" (did you mean quota?)'],
  ["Password", 'Password: unknown key "Password" (did you mean password?)'],
  ["frobnicate", /known: password, keys, quota, files, access, disabled/],
  ["__proto__", /unknown key "__proto__"/],
  ["constructor", /unknown key "constructor"/],
])("I3: the key %s is a complaint with the nearest known one", (key, complaint) => {
  expect(() => accountWith(key, 1n)).toThrow(complaint);
});

test.each(["a", "0", "ann", "a.b", "a-b_c.d", "constructor", "x".repeat(32)])(
  "%p is a user name",
  (name) => {
    expect(isUserName(name)).toBe(true);
  },
);

test.each([
  "",
  ".",
  "..",
  ".a",
  "-a",
  "_a",
  "__proto__",
  "toString",
  "hasOwnProperty",
  "Ann",
  "a/b",
  "a b",
  "a\n",
  "a\0",
  "é",
  'a"]\n[users.root]\nadmin=true',
  "x".repeat(33),
  "x".repeat(10_000),
  "a\ud800",
])("I2 I3: %p is no user name", (name) => {
  expect(isUserName(name)).toBe(false);
});

test.each<[Access, Grant[]]>([
  ["full", ["read", "write", "remove"]],
  ["read-only", ["read"]],
  ["upload-only", ["write"]],
])("access %s gives %p and no more", (access, grants) => {
  expect([...grantsOf(access)]).toEqual(grants);
});

test.each(["", "admin", "toString", "__proto__", undefined])("%p is no access level", (text) => {
  expect(isAccess(text)).toBe(false);
});
