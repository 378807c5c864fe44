import { expect, test } from "bun:test";
import { isRenewalProved, proveRenewal } from "../../src/base/renewal.ts";
import { sha256 } from "../../src/base/derivation.ts";
import { bytes } from "../support/octets.ts";

const CLIENT_KEY = bytes("a0a1a2a3 a4a5a6a7 a8a9aaab acadaeaf b0b1b2b3 b4b5b6b7 b8b9babb bcbdbebf");
const KEYS = { clientKey: CLIENT_KEY, serverKey: new Uint8Array(32) };
const VERIFIER = {
  memoryKib: 19_456,
  passes: 2,
  salt: new Uint8Array(16),
  storedKey: sha256(CLIENT_KEY),
  serverKey: new Uint8Array(32),
};
const RENEWAL = {
  binding: bytes("40414243 44454647 48494a4b 4c4d4e4f 50515253 54555657 58595a5b 5c5d5e5f"),
  fingerprint: `sha256:${"A".repeat(43)}`,
  user: "ann",
  nonce: bytes("80818283 84858687 88898a8b 8c8d8e8f 90919293 94959697 98999a9b 9c9d9e9f"),
  verifier: "argon2id-scram-sha256$m=19456,t=2,p=1$AAECAwQFBgcICQoLDA0ODw$x$y",
};
/** Worked out by Python's hashlib and hmac from the bytes that PROTOCOL.md describes. */
const PROOF = bytes("e0ef5091 28a7f59a 6838e764 af4b5ca2 704a4f04 bfabb822 ad4ffcdd 836cc113");

test("a proof is what PROTOCOL.md says, and the server accepts it", () => {
  expect(new Uint8Array(proveRenewal(RENEWAL, KEYS))).toEqual(PROOF);
  expect(isRenewalProved(RENEWAL, VERIFIER, PROOF)).toBe(true);
});

test("A10: a proof is good for one connection, server, user, nonce and new password", () => {
  const other = new Uint8Array(32).fill(7);
  const others = [
    { ...RENEWAL, binding: other },
    { ...RENEWAL, fingerprint: "" },
    { ...RENEWAL, user: "bob" },
    { ...RENEWAL, nonce: other },
    { ...RENEWAL, verifier: RENEWAL.verifier.replace("$x", "$z") },
  ];

  for (const renewal of others) expect(isRenewalProved(renewal, VERIFIER, PROOF)).toBe(false);
});

test("A6: an empty, short, long, zero or damaged proof is none", () => {
  const zero = new Uint8Array(32);

  for (const proof of [zero, zero.subarray(0, 0), PROOF.subarray(1), new Uint8Array(64)]) {
    expect(isRenewalProved(RENEWAL, VERIFIER, proof)).toBe(false);
  }
  for (let at = 0; at < PROOF.byteLength; at += 1) {
    const flipped = PROOF.slice();
    flipped.set([(PROOF[at] ?? 0) ^ 0x80], at);
    expect(isRenewalProved(RENEWAL, VERIFIER, flipped)).toBe(false);
  }
});

test("A11: what the server keeps of a password proves nothing", () => {
  const stolen = { ...KEYS, clientKey: VERIFIER.storedKey };

  expect(isRenewalProved(RENEWAL, VERIFIER, proveRenewal(RENEWAL, stolen))).toBe(false);
});
