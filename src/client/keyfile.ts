/**
 * Private key files as OpenSSH writes them (PROTOCOL.key of OpenSSH), read and written (only
 * user of bcrypt-pbkdf):
 *
 *   -----BEGIN OPENSSH PRIVATE KEY-----
 *   base64 of | "openssh-key-v1\0" | cipher | kdf | kdf options | u32 1 | public | private |
 *   -----END OPENSSH PRIVATE KEY-----
 *
 *   kdf options = | salt | u32 rounds |             both empty where nothing is encrypted
 *   private     = | u32 check | u32 check | "ssh-ed25519" | public key | seed, public key |
 *                 | comment | 1 2 3 … up to a whole block |     encrypted, then a tag for gcm
 *
 * Strings have a u32 length in front. One key a file, Ed25519 only; nothing in here does
 * I/O, and whoever reads the file looks at its mode (cli/credentials.ts).
 */
import crypto from "node:crypto";
// @ts-expect-error -- it comes without types
import bcrypt from "bcrypt-pbkdf";
import { encodeText, isSameBytes, Reader, Writer } from "../base/bytes.ts";
import { FtpxError } from "../base/errors.ts";
import { encodeKeyBlob, KEY_ALGORITHM } from "../base/keyblob.ts";
import { KEY_ROUNDS, KEY_ROUNDS_MAX, SALT_BYTES } from "../base/limits.ts";
import { PUBLIC_KEY_BYTES, SigningKey } from "../base/signature.ts";

const BEGIN = "-----BEGIN OPENSSH PRIVATE KEY-----";
const END = "-----END OPENSSH PRIVATE KEY-----";
const ARMOUR = /-----BEGIN OPENSSH PRIVATE KEY-----([A-Za-z0-9+/=\s]+)-----END OPENSSH/;
const MAGIC = "openssh-key-v1\0";
const SEED_BYTES = 32;

interface Cipher {
  /** As node:crypto calls it. */
  readonly name: string;
  readonly keyBytes: number;
  readonly ivBytes: number;
  readonly blockBytes: number;
  readonly tagBytes: number;
}

const AES = /^aes(128|192|256)-(ctr|cbc)$/;
const GCM = /^aes(128|256)-gcm@openssh\.com$/;

/** Nothing for those that need more than AES. */
function cipherOf(name: string): Cipher | undefined {
  const [, bits, mode = "gcm"] = AES.exec(name) ?? GCM.exec(name) ?? [];
  if (bits === undefined) return undefined;
  const isGcm = mode === "gcm";
  return {
    name: `aes-${bits}-${mode}`,
    keyBytes: Number(bits) / 8,
    ivBytes: isGcm ? 12 : 16,
    blockBytes: 16,
    tagBytes: isGcm ? 16 : 0,
  };
}

/** What ssh-keygen encrypts with unless it is told otherwise. */
const CIPHER_WRITTEN = "aes256-ctr";
const BLOCK_BYTES_PLAIN = 8;

type Derive = (
  passphrase: Uint8Array,
  passphraseBytes: number,
  salt: Uint8Array,
  saltBytes: number,
  into: Uint8Array,
  intoBytes: number,
  rounds: number,
) => number;
const { pbkdf } = bcrypt as { pbkdf: Derive };

export interface KeyFile {
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
  readonly isEncrypted: boolean;
  /**
   * Takes up to seconds and blocks, by the rounds in the file.
   *
   * @param passphrase empty when nothing is encrypted
   * @throws FtpxError WRONG_PASSPHRASE, BAD_KEY_FILE
   */
  unlock(passphrase: string): SigningKey;
}

/** @throws FtpxError BAD_KEY_FILE, KEY_NOT_ED25519 */
export function parseKeyFile(text: string): KeyFile {
  const armoured = ARMOUR.exec(text)?.[1];
  if (armoured === undefined) return refuse(complaintOf(text));
  const reader = new Reader(Buffer.from(armoured, "base64"));
  if (reader.text(MAGIC.length) !== MAGIC) return refuse("it is damaged");
  const cipherName = readText(reader);
  const kdf = readText(reader);
  const kdfOptions = readBytes(reader);
  const count = reader.u32();
  const blob = readBytes(reader);
  const sealed = readBytes(reader);
  const tag = reader.bytes(reader.remainingBytes);
  if (reader.hasFailed || count !== 1) return refuse("it is damaged, or holds several keys");
  demandEd25519(blob);
  const publicKey = blob.slice(-PUBLIC_KEY_BYTES);
  if (!isSameBytes(encodeKeyBlob(publicKey), blob)) return refuse("it is damaged");
  if (cipherName === "none") {
    const unlock = () => keyOf(sealed, publicKey, "BAD_KEY_FILE");
    return { publicKey, isEncrypted: false, unlock };
  }
  const cipher = cipherOf(cipherName);
  if (cipher === undefined || kdf !== "bcrypt") {
    const how = "ssh-keygen -p -Z aes256-ctr -f FILE encrypts it in another way";
    return refuse(`it is encrypted with ${cipherName}; ${how}`);
  }
  const options = readOptions(kdfOptions);
  const unlock = (passphrase: string): SigningKey => {
    const opened = decrypt(sealed, tag, cipher, deriveSecret(passphrase, options, cipher));
    if (opened === undefined) throw new FtpxError("WRONG_PASSPHRASE");
    try {
      return keyOf(opened, publicKey, "WRONG_PASSPHRASE");
    } finally {
      opened.fill(0);
    }
  };
  return { publicKey, isEncrypted: true, unlock };
}

export interface NewKey {
  /** 32 bytes; the caller wipes it. */
  readonly seed: Uint8Array;
  readonly publicKey: Uint8Array;
  readonly comment: string;
}

/** @param passphrase empty to encrypt nothing */
export function formatKeyFile(key: NewKey, passphrase: string): string {
  const isEncrypted = passphrase !== "";
  const cipher = isEncrypted ? cipherOf(CIPHER_WRITTEN) : undefined;
  const plain = privateSection(key, cipher?.blockBytes ?? BLOCK_BYTES_PLAIN);
  const options = { salt: crypto.randomBytes(SALT_BYTES), rounds: KEY_ROUNDS };
  const writer = new Writer();
  writer.bytes(encodeText(MAGIC));
  writeField(writer, isEncrypted ? CIPHER_WRITTEN : "none");
  writeField(writer, isEncrypted ? "bcrypt" : "none");
  writeField(writer, isEncrypted ? formatOptions(options) : "");
  writer.u32(1);
  writeField(writer, encodeKeyBlob(key.publicKey));
  if (cipher === undefined) writeField(writer, plain);
  else writeField(writer, encrypt(plain, cipher, deriveSecret(passphrase, options, cipher)));
  const lines = Buffer.from(writer.finish()).toString("base64").match(LINES) ?? [];
  plain.fill(0);
  return [BEGIN, ...lines, END, ""].join("\n");
}

const LINES = /.{1,70}/g;

function privateSection({ seed, publicKey, comment }: NewKey, blockBytes: number): Uint8Array {
  const writer = new Writer(1024);
  const check = crypto.randomBytes(4);
  writer.bytes(check);
  writer.bytes(check);
  writeField(writer, KEY_ALGORITHM);
  writeField(writer, publicKey);
  const pair = Buffer.concat([seed, publicKey]);
  writeField(writer, pair);
  pair.fill(0);
  writeField(writer, comment);
  for (let padding = 1; writer.byteLength % blockBytes !== 0; padding += 1) writer.u8(padding);
  return writer.finish();
}

/** @param wrong what it means that the section makes no sense: a wrong passphrase looks like that */
function keyOf(
  section: Uint8Array,
  publicKey: Uint8Array,
  wrong: "BAD_KEY_FILE" | "WRONG_PASSPHRASE",
): SigningKey {
  const reader = new Reader(section);
  const isChecked = reader.u32() === reader.u32() && !reader.hasFailed;
  if (!isChecked) throw new FtpxError(wrong, wrong === "BAD_KEY_FILE" ? DAMAGED : {});
  const algorithm = readText(reader);
  const shown = readBytes(reader);
  const pair = readBytes(reader);
  readBytes(reader);
  const isWhole =
    !reader.hasFailed &&
    algorithm === KEY_ALGORITHM &&
    pair.byteLength === SEED_BYTES + PUBLIC_KEY_BYTES &&
    isSameBytes(shown, publicKey);
  if (!isWhole) throw new FtpxError("BAD_KEY_FILE", DAMAGED);
  const key = new SigningKey(pair.subarray(0, SEED_BYTES));
  // A public part that is not the seed's would make signatures that nobody accepts.
  if (!isSameBytes(key.publicKey, publicKey)) throw new FtpxError("BAD_KEY_FILE", DAMAGED);
  return key;
}

const DAMAGED = { reason: "it is damaged" };

interface KdfOptions {
  readonly salt: Uint8Array;
  readonly rounds: number;
}

function readOptions(bytes: Uint8Array): KdfOptions {
  const reader = new Reader(bytes);
  const salt = readBytes(reader);
  const rounds = reader.u32();
  if (reader.hasFailed || salt.byteLength === 0 || rounds === 0) return refuse("it is damaged");
  if (rounds > KEY_ROUNDS_MAX) {
    return refuse(`its passphrase takes ${rounds} rounds; at most ${KEY_ROUNDS_MAX} are done here`);
  }
  return { salt, rounds };
}

function formatOptions({ salt, rounds }: KdfOptions): Uint8Array {
  const writer = new Writer();
  writeField(writer, salt);
  writer.u32(rounds);
  return writer.finish();
}

/** The cipher's key with its first vector behind it. */
function deriveSecret(passphrase: string, { salt, rounds }: KdfOptions, cipher: Cipher) {
  const secret = new Uint8Array(cipher.keyBytes + cipher.ivBytes);
  const bytes = encodeText(passphrase);
  // An empty passphrase encrypts nothing; bcrypt refuses it.
  if (bytes.byteLength === 0) throw new FtpxError("WRONG_PASSPHRASE");
  const { byteLength } = bytes;
  const status = pbkdf(bytes, byteLength, salt, salt.byteLength, secret, secret.byteLength, rounds);
  bytes.fill(0);
  if (status !== 0) throw new FtpxError("BAD_KEY_FILE", DAMAGED);
  return secret;
}

/** Nothing when the tag or the padding says that the secret is wrong. */
function decrypt(sealed: Uint8Array, tag: Uint8Array, cipher: Cipher, secret: Uint8Array) {
  const { name, keyBytes, blockBytes, tagBytes } = cipher;
  const isWhole =
    sealed.byteLength > 0 && sealed.byteLength % blockBytes === 0 && tag.byteLength === tagBytes;
  if (!isWhole) return refuse("it is damaged");
  const key = secret.subarray(0, keyBytes);
  const opening = crypto.createDecipheriv(name, key, secret.subarray(keyBytes));
  try {
    if (name.endsWith("cbc")) opening.setAutoPadding(false);
    if (tagBytes > 0) (opening as crypto.DecipherGCM).setAuthTag(tag);
    return Buffer.concat([opening.update(sealed), opening.final()]);
  } catch {
    return undefined;
  } finally {
    secret.fill(0);
  }
}

function encrypt(plain: Uint8Array, { name, keyBytes }: Cipher, secret: Uint8Array): Uint8Array {
  const closing = crypto.createCipheriv(
    name,
    secret.subarray(0, keyBytes),
    secret.subarray(keyBytes),
  );
  const sealed = Buffer.concat([closing.update(plain), closing.final()]);
  secret.fill(0);
  return sealed;
}

/** @throws FtpxError KEY_NOT_ED25519 */
function demandEd25519(blob: Uint8Array): void {
  const algorithm = readText(new Reader(blob));
  if (algorithm !== KEY_ALGORITHM) throw new FtpxError("KEY_NOT_ED25519", { reason: algorithm });
}

/** What a file is instead, in words for its owner. */
function complaintOf(text: string): string {
  const start = text.trimStart();
  if (/^(?:ssh-|ecdsa-|sk-)\S+ |^-----BEGIN (?:SSH2? )?PUBLIC KEY/.test(start)) {
    return "it is a public key; the private one is in the file without .pub";
  }
  if (/^-----BEGIN .*PRIVATE KEY/.test(start)) {
    return "it is not in OpenSSH's format; ssh-keygen -p -f FILE may convert it";
  }
  return "it is no key file of OpenSSH";
}

function readBytes(reader: Reader): Uint8Array {
  return reader.bytes(reader.u32());
}

function readText(reader: Reader): string {
  return reader.text(reader.u32());
}

function writeField(writer: Writer, value: string | Uint8Array): void {
  const bytes = typeof value === "string" ? encodeText(value) : value;
  writer.u32(bytes.byteLength);
  writer.bytes(bytes);
}

function refuse(reason: string): never {
  throw new FtpxError("BAD_KEY_FILE", { reason });
}
