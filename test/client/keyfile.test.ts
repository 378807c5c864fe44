import { expect, test } from "bun:test";
import { encodeKeyBlob } from "../../src/base/keyblob.ts";
import { isSigned, SigningKey } from "../../src/base/signature.ts";
import { formatKeyFile, parseKeyFile } from "../../src/client/keyfile.ts";
import { FtpxError } from "../../src/base/errors.ts";
import { kindOf, refusal } from "../support/refusal.ts";
import { readVectorLines } from "../support/vectors.ts";

interface Vector {
  readonly cipher: string;
  readonly passphrase: string;
  readonly publicBlob: string;
  readonly text: string;
}

const VECTORS: readonly Vector[] = readVectorLines("keyfiles.txt").map((line) => {
  const [cipher = "", passphrase = "", publicBlob = "", body = ""] = line.split(" ");
  return {
    cipher,
    passphrase: passphrase === "-" ? "" : passphrase,
    publicBlob,
    text: armour(body),
  };
});
const MESSAGE = Buffer.from("anything");

function armour(body: string): string {
  const lines = body.match(/.{1,70}/g) ?? [];
  return `-----BEGIN OPENSSH PRIVATE KEY-----\n${lines.join("\n")}\n-----END OPENSSH PRIVATE KEY-----\n`;
}

function vectorOf(cipher: string): Vector {
  const found = VECTORS.find((vector) => vector.cipher === cipher);
  if (found === undefined) throw new Error(`no vector with ${cipher}`);
  return found;
}

test.each(VECTORS.map((vector) => [vector.cipher, vector] as const))(
  "a key file of ssh-keygen with %s is opened by its passphrase and by no other",
  (cipher, { text, passphrase, publicBlob }) => {
    const file = parseKeyFile(text);
    const key = file.unlock(passphrase);

    expect(file.isEncrypted).toBe(cipher !== "none");
    expect(Buffer.from(encodeKeyBlob(key.publicKey)).toString("base64")).toBe(publicBlob);
    expect(key.publicKey).toEqual(file.publicKey);
    expect(isSigned(file.publicKey, MESSAGE, key.sign(MESSAGE))).toBe(true);
    if (!file.isEncrypted) return;
    expect(() => file.unlock(`${passphrase} `)).toThrow(refusal("WRONG_PASSPHRASE"));
    expect(() => file.unlock("")).toThrow(refusal("WRONG_PASSPHRASE"));
  },
);

test("Windows line ends and text around the key do not matter", () => {
  const { text } = vectorOf("none");

  expect(parseKeyFile(`Comment\r\n${text.replaceAll("\n", "\r\n")}\r\n`).isEncrypted).toBe(false);
});

test.each([
  ["a public key", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAA ann@laptop\n", /is a public key/],
  ["a public key of RFC 4716", "---- BEGIN SSH2 PUBLIC KEY ----\n", /no key file/],
  ["PEM", "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n", /not in OpenSSH's format/],
  ["PKCS #8", "-----BEGIN PRIVATE KEY-----\nMC4C\n", /not in OpenSSH's format/],
  ["nothing", "", /no key file/],
  ["something else", "hello\n", /no key file/],
  ["an empty container", armour(""), /damaged/],
  ["another container", armour("AAAA"), /damaged/],
])("%s is told to be that", (_case, text, reason) => {
  const expected = expect.stringMatching(reason) as string;

  expect(() => parseKeyFile(text)).toThrow(refusal("BAD_KEY_FILE", { reason: expected }));
});

test("a key of another kind is told by its name", () => {
  const { text } = vectorOf("none");
  const bytes = Buffer.from(text.split("\n").slice(1, -2).join(""), "base64");
  bytes.write("ssh-ed25518", bytes.indexOf("ssh-ed25519"));

  expect(() => parseKeyFile(armour(bytes.toString("base64")))).toThrow(
    refusal("KEY_NOT_ED25519", { reason: "ssh-ed25518" }),
  );
});

test("a cipher that is not known is named, with a way out", () => {
  const { text } = vectorOf("aes256-ctr");
  const bytes = Buffer.from(text.split("\n").slice(1, -2).join(""), "base64");
  bytes.write("toString!!", bytes.indexOf("aes256-ctr"));

  const reason = expect.stringContaining("encrypted with toString!!; ssh-keygen -p") as string;
  expect(() => parseKeyFile(armour(bytes.toString("base64")))).toThrow(
    refusal("BAD_KEY_FILE", { reason }),
  );
});

test("rounds that would take minutes are refused before any of them", () => {
  const { text } = vectorOf("aes256-ctr");
  const bytes = Buffer.from(text.split("\n").slice(1, -2).join(""), "base64");
  const rounds = bytes.indexOf("bcrypt") + 6 + 4 + 4 + 16;
  expect(bytes.readUInt32BE(rounds)).toBe(1);
  for (const [count, reason] of [
    [2049, /2049 rounds/],
    [0xffff_ffff, /rounds/],
    [0, /damaged/],
  ] as const) {
    bytes.writeUInt32BE(count, rounds);
    const expected = expect.stringMatching(reason) as string;
    expect(() => parseKeyFile(armour(bytes.toString("base64")))).toThrow(
      refusal("BAD_KEY_FILE", { reason: expected }),
    );
  }
});

test("I6: cut off anywhere or with any byte changed, a file is a typed error or the same key", () => {
  for (const cipher of ["none", "aes256-gcm@openssh.com"]) {
    const { text, passphrase } = vectorOf(cipher);
    const bytes = Buffer.from(text.split("\n").slice(1, -2).join(""), "base64");
    const { publicKey } = parseKeyFile(text);
    const open = (changed: Uint8Array) => (): void => {
      const file = parseKeyFile(armour(Buffer.from(changed).toString("base64")));
      // One derivation each would take the test long, and the cipher's tag is tried above.
      if (file.isEncrypted) return;
      expect(file.unlock(passphrase).publicKey).toEqual(publicKey);
    };
    for (let at = 0; at < bytes.byteLength; at += 1) {
      const flipped = Buffer.from(bytes);
      flipped.writeUInt8(flipped.readUInt8(at) ^ 0x55, at);
      expect(["done", "BAD_KEY_FILE", "KEY_NOT_ED25519"]).toContain(kindOf(open(flipped)));
      expect(["done", "BAD_KEY_FILE", "KEY_NOT_ED25519"]).toContain(
        kindOf(open(bytes.subarray(0, at))),
      );
    }
  }
});

test("a private part that is not of the public one makes no key", () => {
  const { text } = vectorOf("none");
  const bytes = Buffer.from(text.split("\n").slice(1, -2).join(""), "base64");
  const seed = bytes.lastIndexOf(Buffer.from([0, 0, 0, 0x40])) + 4;
  bytes.writeUInt8(bytes.readUInt8(seed) ^ 1, seed);

  expect(() => parseKeyFile(armour(bytes.toString("base64"))).unlock("")).toThrow(
    refusal("BAD_KEY_FILE"),
  );
});

test.each([
  ["without a passphrase", ""],
  ["with one", "päss phrase"],
])("what is written %s is read again", (_case, passphrase) => {
  const seed = new Uint8Array(32).fill(9);
  const { publicKey } = new SigningKey(seed.slice());
  const text = formatKeyFile({ seed, publicKey, comment: "ann@läptop" }, passphrase);
  const file = parseKeyFile(text);

  expect(Math.max(...text.split("\n").map(({ length }) => length))).toBe(70);
  expect(file.isEncrypted).toBe(passphrase !== "");
  expect(file.unlock(passphrase).publicKey).toEqual(publicKey);
  if (passphrase !== "") {
    let failure: unknown;
    try {
      file.unlock("other");
    } catch (error) {
      failure = error;
    }
    expect(failure).toBeInstanceOf(FtpxError);
    expect(failure).toMatchObject({ kind: "WRONG_PASSPHRASE" });
  }
});
