import { expect, test } from "bun:test";
import crypto from "node:crypto";
import { formatKeyLine } from "../../src/base/keyblob.ts";
import { isLineOf, parseKeyLine } from "../../src/accounts/keyline.ts";

/** The fixed front of a public key: SubjectPublicKeyInfo of RFC 8410. */
const SPKI_HEAD = Buffer.from("302a300506032b6570032100", "hex");
const BLOB_HEAD = Buffer.from("0000000b7373682d6564323535313900000020", "hex");

function refuse(reason: string): never {
  throw new Error(reason);
}

function lineOf(publicKey: Uint8Array, head = BLOB_HEAD): string {
  return `ssh-ed25519 ${Buffer.concat([head, publicKey]).toString("base64")}`;
}

test("parseKeyLine reads a line of ssh-keygen", () => {
  const base64 = "AAAAC3NzaC1lZDI1NTE5AAAAIGPKSUTyz1HwHReFVvD5obVsALAgJRNarH4TRpNePnAS";
  const publicKey = Buffer.from(base64, "base64").subarray(19);

  expect(parseKeyLine(`ssh-ed25519 ${base64} ann@laptop`, refuse)).toEqual({
    publicKey,
    comment: "ann@laptop",
  });
});

test("parseKeyLine gives the key whose signatures verify", () => {
  const { publicKey, privateKey } = crypto.generateKeyPairSync("ed25519");
  const raw = publicKey.export({ format: "der", type: "spki" }).subarray(SPKI_HEAD.byteLength);
  const line = parseKeyLine(`  ${lineOf(raw)}\tä comment  with blanks \n`, refuse);

  expect(line.comment).toBe("ä comment  with blanks");
  expect(verifies(line.publicKey, crypto.sign(null, Buffer.from("text"), privateKey))).toBe(true);
});

test.each([
  ["empty", ""],
  ["only an algorithm", "ssh-ed25519"],
  ["of another algorithm", "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQ=="],
  [
    "of another algorithm inside",
    lineOf(
      Buffer.alloc(32, 7),
      Buffer.from("0000000b7373682d656432353531380000 0020".replace(" ", ""), "hex"),
    ),
  ],
  ["with options in front", `restrict ${lineOf(Buffer.alloc(32, 7))}`],
  ["of 31 bytes", lineOf(Buffer.alloc(31, 7))],
  ["of 33 bytes", lineOf(Buffer.alloc(33, 7))],
  [
    "with a length that lies",
    lineOf(Buffer.alloc(32, 7), Buffer.from("0000000b7373682d6564323535313900000021", "hex")),
  ],
  ["that is not base64", "ssh-ed25519 AAAA!AAA"],
  ["with base64 cut off", lineOf(Buffer.alloc(32, 7)).slice(0, -1)],
  ["of two lines", `${lineOf(Buffer.alloc(32, 7))} a\n${lineOf(Buffer.alloc(32, 8))}`],
  ["with a control character in the comment", `${lineOf(Buffer.alloc(32, 7))} a\u001b[2J`],
])("A6: a key line %s is refused", (_case, line) => {
  expect(() => parseKeyLine(line, refuse)).toThrow(/^a key is/);
});

const SMALL_ORDER = [
  "0000000000000000000000000000000000000000000000000000000000000000",
  "0100000000000000000000000000000000000000000000000000000000000000",
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
];

test.each(SMALL_ORDER)("A6: the key of small order %s is refused, with either sign", (hex) => {
  const publicKey = Buffer.from(hex, "hex");
  expect(() => parseKeyLine(lineOf(publicKey), refuse)).toThrow(/everybody can sign/);

  publicKey.writeUInt8(publicKey.readUInt8(31) | 0x80, 31);
  expect(() => parseKeyLine(lineOf(publicKey), refuse)).toThrow(/everybody can sign/);
});

test("A6: a key of small order verifies what nobody signed, which is why it is refused", () => {
  const neutral = Buffer.from(SMALL_ORDER[1] ?? "", "hex");

  expect(verifies(neutral, Buffer.concat([neutral, Buffer.alloc(32)]))).toBe(true);
});

function verifies(publicKey: Uint8Array, signature: Uint8Array): boolean {
  const der = Buffer.concat([SPKI_HEAD, publicKey]);
  const key = crypto.createPublicKey({ key: der, format: "der", type: "spki" });
  return crypto.verify(null, Buffer.from("text"), key, signature);
}

test("A6: a line is about its own key, not about one that its comment names", () => {
  const [own, other] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)];
  const line = formatKeyLine(own, formatKeyLine(other, "x"));

  expect(isLineOf(line, own)).toBe(true);
  expect(isLineOf(`  ${line.replace(" ", "\t ")} `, own)).toBe(true);
  expect(isLineOf(line, other)).toBe(false);
  expect(isLineOf(line, own.subarray(1))).toBe(false);
  expect(isLineOf(line, new Uint8Array(0))).toBe(false);
});
