import { afterEach, expect, spyOn, test } from "bun:test";
import crypto, { randomBytes } from "node:crypto";
import { encodeBareBase64 } from "../../src/base/base64.ts";
import { FtpxError } from "../../src/base/errors.ts";
import { PASSWORD_BYTES_MAX } from "../../src/base/limits.ts";
import type { Parameters } from "../../src/base/derivation.ts";
import {
  assertDerivable,
  DEFAULT_PARAMETERS,
  deriveKeys,
  distinctParameters,
  preparePassword,
} from "../../src/base/derivation.ts";
import {
  fakeVerifier,
  formatVerifier,
  makeVerifier,
  parseNewVerifier,
  parseVerifier,
} from "../../src/base/verifier.ts";

const CHEAP: Parameters = { memoryKib: 8192, passes: 1 };
const SALT = Uint8Array.from({ length: 16 }, (_, index) => index + 1);
const KEY = "JxpWJRY75fp0ekV9cjlT2W/HJE5dwmJtPn+pccYBT7I";
const ZERO = "A".repeat(43);
const LINE = `argon2id-scram-sha256$m=8192,t=1,p=1$AQIDBAUGBwgJCgsMDQ4PEA$${KEY}$${KEY}`;

afterEach(() => {
  spyOn(crypto, "argon2").mockRestore();
});

function reasonOf(action: () => unknown): string {
  try {
    action();
  } catch (failure) {
    return `${(failure as FtpxError).kind}: ${(failure as FtpxError).details.reason}`;
  }
  return "nothing was refused";
}

function refuse(reason: string): never {
  throw new FtpxError("BAD_BODY", { reason });
}

test("verifier is written as it was read", () => {
  expect(formatVerifier(parseVerifier(LINE))).toBe(LINE);
});

test("R25: a fresh verifier has the default parameters, another salt each time, and can be read", async () => {
  const [first, second] = await Promise.all([makeVerifier("secret"), makeVerifier("secret")]);

  expect(first).toMatchObject(DEFAULT_PARAMETERS);
  expect(first.salt.byteLength).toBe(16);
  expect(formatVerifier(first)).not.toBe(formatVerifier(second));
  expect(formatVerifier(parseVerifier(formatVerifier(first)))).toBe(formatVerifier(first));
});

test("R25: the derivation, wrapped as PHC, is what Bun.password verifies", async () => {
  const raw = await new Promise<Uint8Array>((resolve) => {
    const wanted = { message: "secret", nonce: SALT, parallelism: 1, tagLength: 32 };
    const cost = { memory: CHEAP.memoryKib, passes: CHEAP.passes };
    crypto.argon2("argon2id", { ...wanted, ...cost }, (_error, tag) => resolve(tag));
  });
  const phc = ["", "argon2id", "v=19", "m=8192,t=1,p=1", encodeBareBase64(SALT)];
  const clientKey = crypto.createHmac("sha256", raw).update("Client Key").digest();

  expect(Bun.password.verify("secret", [...phc, encodeBareBase64(raw)].join("$"))).resolves.toBe(
    true,
  );
  expect(deriveKeys("secret", SALT, CHEAP)).resolves.toMatchObject({ clientKey });
});

test("R25: timers tick during four derivations", async () => {
  let ticks = 0;
  const timer = setInterval(() => (ticks += 1), 1);
  await Promise.all(Array.from({ length: 4 }, () => makeVerifier("secret")));
  clearInterval(timer);

  expect(ticks).toBeGreaterThan(2);
});

test.each([
  ["empty", ""],
  ["with another scheme", LINE.replace("sha256", "sha512")],
  ["with a part too few", LINE.slice(0, LINE.lastIndexOf("$"))],
  ["with a part too many", `${LINE}$AAAA`],
  ["with an empty salt", LINE.replace("AQIDBAUGBwgJCgsMDQ4PEA", "")],
  ["with a salt of 15 bytes", LINE.replace("AQIDBAUGBwgJCgsMDQ4PEA", "AQIDBAUGBwgJCgsMDQ4P")],
  ["with a salt of 65 bytes", LINE.replace("AQIDBAUGBwgJCgsMDQ4PEA", `${"B".repeat(86)}A`)],
  ["with a salt that is all zero", LINE.replace("AQIDBAUGBwgJCgsMDQ4PEA", "A".repeat(22))],
  ["with a salt that is not base64", LINE.replace("AQIDB", "AQ!DB")],
  ["with a padded salt", LINE.replace("DQ4PEA", "DQ4PEA==")],
  ["with stray bits in the salt", LINE.replace("DQ4PEA", "DQ4PEB")],
  ["without StoredKey", LINE.replace(`$${KEY}$`, () => "$$")],
  ["without ServerKey", LINE.slice(0, -KEY.length)],
  ["with a StoredKey that is all zero", LINE.replace(`$${KEY}$`, `$${ZERO}$`)],
  ["with a ServerKey that is all zero", LINE.slice(0, -KEY.length) + ZERO],
  ["with a StoredKey of 31 bytes", LINE.replace(`$${KEY}$`, `$${KEY.slice(0, 42)}$`)],
  ["with a leading zero", LINE.replace("t=1", "t=01")],
  ["with a plus", LINE.replace("t=1", "t=+1")],
  ["with a fraction", LINE.replace("t=1", "t=1.0")],
  ["with parameters in another order", LINE.replace("m=8192,t=1", "t=1,m=8192")],
  ["with a parameter too many", LINE.replace("p=1", "p=1,x=1")],
  ["with white space", ` ${LINE}`],
  ["with a line break", `${LINE}\n`],
])("A6: a verifier %s is refused and not shown", (_case, text) => {
  const reason = reasonOf(() => parseVerifier(text));

  expect(reason).toStartWith("BAD_CONFIG: ");
  expect(reason).not.toContain(KEY);
});

test.each([
  ["m", "7", "m=7 is not 8192 to 262144 KiB"],
  ["m", "8191", "m=8191 is not 8192 to 262144 KiB"],
  ["m", "262145", "m=262145 is not 8192 to 262144 KiB"],
  ["m", "4294967296", "m=4294967296 is not 8192 to 262144 KiB"],
  ["t", "0", "t=0 is not 1 to 10 passes"],
  ["t", "11", "t=11 is not 1 to 10 passes"],
  ["p", "0", "p=0 is not 1"],
  ["p", "2", "p=2 is not 1"],
])(
  "A4 R26: %s=%s is refused in a verifier and before any memory is taken",
  (name, value, reason) => {
    const argon2 = spyOn(crypto, "argon2");
    const asked = { m: 8192, t: 1, p: 1, [name]: Number(value) };
    const parameters = { memoryKib: asked.m, passes: asked.t };
    const text = LINE.replace(new RegExp(`${name}=\\d+`), `${name}=${value}`);

    expect(reasonOf(() => parseVerifier(text))).toBe(`BAD_CONFIG: ${reason}`);
    expect(reasonOf(() => assertDerivable(SALT, parameters, asked.p))).toBe(
      `BAD_PARAMETERS: ${reason}`,
    );
    if (name !== "p") {
      const refusal = expect.objectContaining({ kind: "BAD_PARAMETERS" });
      expect(makeVerifier("secret", parameters)).rejects.toThrow(refusal);
    }
    expect(argon2).not.toHaveBeenCalled();
  },
);

test.each([NaN, Infinity, 1.5, -1])("R26: %p passes are refused", (passes) => {
  expect(reasonOf(() => assertDerivable(SALT, { memoryKib: 8192, passes }))).toStartWith(
    "BAD_PARAMETERS",
  );
});

test.each([0, 15, 65])("R26: a salt of %p bytes is refused", (saltBytes) => {
  expect(reasonOf(() => assertDerivable(randomBytes(saltBytes), CHEAP))).toStartWith(
    "BAD_PARAMETERS",
  );
});

test("A4 R26: the bounds themselves are accepted", () => {
  assertDerivable(randomBytes(16), { memoryKib: 8192, passes: 1 });
  assertDerivable(randomBytes(64), { memoryKib: 262_144, passes: 10 });
});

test.each([
  ["decomposed letters", "Cafe\u0301", "Café"],
  ["other kinds of space", "a\u00a0b\u3000c", "a b c"],
  ["what normalising shrinks", "e\u0301".repeat(512), "é".repeat(512)],
])("preparePassword makes %s the same everywhere", (_case, typed, meant) => {
  expect(preparePassword(typed)).toEqual(new TextEncoder().encode(meant));
});

test.each([
  ["an empty one", "", "NO_PASSWORD"],
  ["one byte too many", "x".repeat(PASSWORD_BYTES_MAX + 1), "USAGE"],
  ["one byte too many in two-byte letters", `${"é".repeat(512)}x`, "USAGE"],
  ["50 MB", "x".repeat(50_000_000), "USAGE"],
  ["a NUL", "a\0b", "USAGE"],
  ["a line break", "secret\n", "USAGE"],
  ["a lone surrogate", "a\ud800b", "USAGE"],
])("A2 A6: the password %s is refused before any derivation", (_case, password, kind) => {
  const argon2 = spyOn(crypto, "argon2");

  expect(() => preparePassword(password)).toThrow(expect.objectContaining({ kind }));
  expect(makeVerifier(password, CHEAP)).rejects.toThrow(expect.objectContaining({ kind }));
  expect(argon2).not.toHaveBeenCalled();
});

test("A2 A4: the spy of these tests sees a derivation when there is one", async () => {
  const argon2 = spyOn(crypto, "argon2");
  await makeVerifier("secret", CHEAP);

  expect(argon2).toHaveBeenCalledTimes(1);
});

test("a password of exactly the bound is accepted", () => {
  expect(preparePassword("x".repeat(PASSWORD_BYTES_MAX)).byteLength).toBe(PASSWORD_BYTES_MAX);
});

test("A1: a fake verifier is stable for a secret and a name, and other for others", () => {
  const secret = randomBytes(32);
  const lines = [
    fakeVerifier(secret, "ann", [CHEAP]),
    fakeVerifier(Buffer.from(secret), "ann", [CHEAP, CHEAP]),
    fakeVerifier(secret, "bob", [CHEAP]),
    fakeVerifier(randomBytes(32), "ann", [CHEAP]),
  ].map(formatVerifier);

  expect(lines[0]).toBe(lines[1] ?? "");
  expect(new Set(lines).size).toBe(3);
});

test("A1: a fake verifier looks like one that makeVerifier makes", () => {
  const fake = fakeVerifier(randomBytes(32), "ann", []);

  expect(fake).toMatchObject(DEFAULT_PARAMETERS);
  expect(fake.salt.byteLength).toBe(16);
  expect(formatVerifier(parseVerifier(formatVerifier(fake)))).toBe(formatVerifier(fake));
});

test("A1: fake parameters are ones that real accounts have, and each of them is used", () => {
  const secret = randomBytes(32);
  const known = [CHEAP, DEFAULT_PARAMETERS, { memoryKib: 65_536, passes: 3 }];
  const costs = new Set<string>();
  for (let index = 0; index < 200; index += 1) {
    const { memoryKib, passes } = fakeVerifier(secret, `user${index}`, known);
    costs.add(`${memoryKib}:${passes}`);
  }

  expect([...costs].toSorted()).toEqual(["19456:2", "65536:3", "8192:1"]);
});

test("A1: a change of the known parameters changes a fake only towards the new ones", () => {
  const secret = randomBytes(32);
  const added = { memoryKib: 65_536, passes: 3 };
  for (let index = 0; index < 200; index += 1) {
    const before = fakeVerifier(secret, `user${index}`, [CHEAP, DEFAULT_PARAMETERS]);
    const after = fakeVerifier(secret, `user${index}`, [added, DEFAULT_PARAMETERS, CHEAP]);
    expect([before.memoryKib, added.memoryKib]).toContain(after.memoryKib);
    // As of an account whose password was set: who keeps the salt cannot be told from it.
    const isKept = before.memoryKib === after.memoryKib;
    expect(Buffer.from(after.salt).equals(before.salt)).toBe(isKept);
  }
});

test.each([
  ["other memory", { memoryKib: 19_457, passes: 2 }, 16],
  ["other passes", { memoryKib: 19_456, passes: 3 }, 16],
  ["another length of salt", DEFAULT_PARAMETERS, 17],
])("A1: a client's new verifier with %s is refused", (_case, parameters, saltBytes) => {
  const fake = fakeVerifier(randomBytes(32), "ann", [parameters]);
  const line = formatVerifier({ ...fake, salt: new Uint8Array(saltBytes).fill(1) });

  expect(reasonOf(() => parseNewVerifier(line, refuse))).toStartWith("BAD_BODY: ");
  const usual = formatVerifier(fakeVerifier(randomBytes(32), "ann", []));
  expect(formatVerifier(parseNewVerifier(usual, refuse))).toBe(usual);
});

test("distinctParameters keeps each pair once", () => {
  expect(distinctParameters([CHEAP, DEFAULT_PARAMETERS, { ...CHEAP }])).toEqual([
    CHEAP,
    DEFAULT_PARAMETERS,
  ]);
});
