import { expect, test } from "bun:test";
import { decodeKeyBlob, formatKeyLine, keyFingerprint } from "../../src/base/keyblob.ts";
import { isSigned, signInMessage, SigningKey } from "../../src/base/signature.ts";
import { bytes } from "../support/octets.ts";

const SEED = bytes("00010203 04050607 08090a0b 0c0d0e0f 10111213 14151617 18191a1b 1c1d1e1f");
const PUBLIC = bytes("03a107bf f3ce10be 1d70dd18 e74bc099 67e4d630 9ba50d5f 1ddc8664 125531b8");
const BINDING = bytes("40414243 44454647 48494a4b 4c4d4e4f 50515253 54555657 58595a5b 5c5d5e5f");
const NONCE = bytes("80818283 84858687 88898a8b 8c8d8e8f 90919293 94959697 98999a9b 9c9d9e9f");
const FINGERPRINT = `sha256:${"A".repeat(43)}`;
const SIGN_IN = {
  binding: BINDING,
  fingerprint: FINGERPRINT,
  user: "ann",
  publicKey: PUBLIC,
  nonce: NONCE,
};

/** Typed from PROTOCOL.md, not taken from the code. */
const MESSAGE = bytes(`
  0012 66747078 2f31206b 65792073 69676e2d 696e
  0020 40414243 44454647 48494a4b 4c4d4e4f 50515253 54555657 58595a5b 5c5d5e5f
  0032 73686132 35363a
       41414141 41414141 41414141 41414141 41414141 41414141 41414141 41414141 41414141 41414141
       414141
  0003 616e6e
  0020 03a107bf f3ce10be 1d70dd18 e74bc099 67e4d630 9ba50d5f 1ddc8664 125531b8
  0020 80818283 84858687 88898a8b 8c8d8e8f 90919293 94959697 98999a9b 9c9d9e9f
`);
/** Of `openssl pkeyutl -sign -rawin` over those bytes. */
const SIGNATURE = bytes(`
  452dc612 61262da2 702731bc b95b3728 c9e24b92 1a06b30b f4d3def4 8e315318
  5ee0b556 4894df05 97244b50 a22897e1 7853531e eb6da65b 77971106 a527000b
`);

test("what is signed is what PROTOCOL.md says, byte by byte", () => {
  expect(Buffer.from(signInMessage(SIGN_IN)).toString("hex")).toBe(
    Buffer.from(MESSAGE).toString("hex"),
  );
});

test("a key is the one of its seed, and its signature that of OpenSSL", () => {
  const key = new SigningKey(SEED.slice());

  expect(key.publicKey).toEqual(PUBLIC);
  expect(new Uint8Array(key.sign(MESSAGE))).toEqual(SIGNATURE);
  expect(isSigned(PUBLIC, MESSAGE, SIGNATURE)).toBe(true);
});

test("A10: a signature is good for one connection, server, user, key and nonce", () => {
  const key = new SigningKey(SEED.slice());
  const other = new Uint8Array(32).fill(7);
  const others = [
    { ...SIGN_IN, binding: other },
    { ...SIGN_IN, fingerprint: "" },
    { ...SIGN_IN, fingerprint: `sha256:${"B".repeat(43)}` },
    { ...SIGN_IN, user: "ann2" },
    { ...SIGN_IN, user: "" },
    { ...SIGN_IN, publicKey: other },
    { ...SIGN_IN, nonce: other },
  ];

  expect(isSigned(PUBLIC, signInMessage(SIGN_IN), key.sign(MESSAGE))).toBe(true);
  for (const signIn of others) {
    expect(isSigned(PUBLIC, signInMessage(signIn), SIGNATURE)).toBe(false);
  }
});

test("fields that run into one another make different messages", () => {
  const one = signInMessage({ ...SIGN_IN, fingerprint: "ab", user: "c" });
  const two = signInMessage({ ...SIGN_IN, fingerprint: "a", user: "bc" });

  expect(one).not.toEqual(two);
});

test("A6: what is no key, no signature, or cut off signs for nobody", () => {
  const none = new Uint8Array(0);
  const zero = new Uint8Array(64);

  for (let at = 0; at < SIGNATURE.byteLength; at += 1) {
    const flipped = SIGNATURE.slice();
    flipped.set([(SIGNATURE[at] ?? 0) ^ 1], at);
    expect(isSigned(PUBLIC, MESSAGE, flipped)).toBe(false);
    expect(isSigned(PUBLIC, MESSAGE, SIGNATURE.subarray(0, at))).toBe(false);
  }
  for (const key of [
    none,
    zero.subarray(0, 32),
    zero,
    PUBLIC.subarray(1),
    new Uint8Array(32).fill(255),
  ]) {
    expect(isSigned(key, MESSAGE, SIGNATURE)).toBe(false);
    expect(isSigned(key, MESSAGE, none)).toBe(false);
  }
  expect(isSigned(PUBLIC, MESSAGE, zero)).toBe(false);
});

test("a public key is written and told as ssh-keygen does", () => {
  const line = formatKeyLine(PUBLIC, "a b");
  const [, blob = ""] = line.split(" ");

  expect(line).toBe(
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4 a b",
  );
  expect(keyFingerprint(PUBLIC)).toBe("SHA256:lbmsoA0yIEcEiVDRnMWuzm+nV+3ZEEpVIURqFoeSspg");
  expect(decodeKeyBlob(blob)).toEqual(PUBLIC);
  expect(decodeKeyBlob(blob.slice(0, -4))).toBeUndefined();
  expect(decodeKeyBlob(`${blob.slice(0, -4)}AAAAAAAA`)).toBeUndefined();
});
