/**
 * Sign-in by key: what is signed, and Ed25519 (RFC 8032) over it.
 *
 *   message = | "ftpx/1 key sign-in" | binding | fingerprint | user | public key | nonce |
 *
 * Each field is a u16 length and so many bytes, so no two exchanges make the same message.
 * The binding is of this TLS connection, the fingerprint is of the server that the client
 * was to reach, and the nonce is the server's and for one try: a signature is worth nothing
 * on another connection, at another server, for another user, or a second time.
 *
 * Whose keys may sign in, counting and refusing are commands/signin.ts; key files are
 * client/keyfile.ts.
 */
import crypto from "node:crypto";
import type { KeyObject } from "node:crypto";
import { encodeText, Writer } from "./bytes.ts";

export const PUBLIC_KEY_BYTES = 32;
export const SIGNATURE_BYTES = 64;
/** Of a server, in both exchanges that bind to one: 256 bits. */
export const CHALLENGE_BYTES = 32;

const SIGN_IN_DOMAIN = "ftpx/1 key sign-in";

/** DER around the 32 bytes of a key (RFC 8410): PKCS #8 for the private one, SPKI for the public one. */
const PKCS8_HEAD = Buffer.from("302e020100300506032b657004220420", "hex");
const SPKI_HEAD = Buffer.from("302a300506032b6570032100", "hex");

export interface KeySignIn {
  /** What the exporter of this connection gives, or what stands for it. */
  readonly binding: Uint8Array;
  /** Of the server's key, as text; empty where there is no TLS. */
  readonly fingerprint: string;
  readonly user: string;
  readonly publicKey: Uint8Array;
  readonly nonce: Uint8Array;
}

/** What the client signs. */
export function signInMessage(signIn: KeySignIn): Uint8Array {
  const { binding, fingerprint, user, publicKey, nonce } = signIn;
  return joinFields(SIGN_IN_DOMAIN, binding, fingerprint, user, publicKey, nonce);
}

/** Fields one behind the other, each behind its length; the first says what it is all for. */
export function joinFields(domain: string, ...fields: readonly (string | Uint8Array)[]) {
  const writer = new Writer();
  for (const field of [domain, ...fields]) {
    const bytes = typeof field === "string" ? encodeText(field) : field;
    writer.u16(bytes.byteLength);
    writer.bytes(bytes);
  }
  return writer.finish();
}

/** A key that can sign. What it is made of stays in OpenSSL's memory and is never handed out. */
export class SigningKey {
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
  readonly #key: KeyObject;

  /** @param seed the private key of RFC 8032, 32 bytes; the caller may wipe it afterwards */
  constructor(seed: Uint8Array) {
    const der = Buffer.concat([PKCS8_HEAD, seed]);
    this.#key = crypto.createPrivateKey({ key: der, format: "der", type: "pkcs8" });
    der.fill(0);
    const spki = crypto.createPublicKey(this.#key).export({ format: "der", type: "spki" });
    this.publicKey = new Uint8Array(spki.subarray(SPKI_HEAD.byteLength));
  }

  /** 64 bytes. */
  sign(message: Uint8Array): Uint8Array {
    return crypto.sign(null, message, this.#key);
  }
}

/** Whether the holder of `publicKey` has signed the message; false for what is no key at all. */
export function isSigned(
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  if (publicKey.byteLength !== PUBLIC_KEY_BYTES || signature.byteLength !== SIGNATURE_BYTES) {
    return false;
  }
  const der = Buffer.concat([SPKI_HEAD, publicKey]);
  try {
    const key = crypto.createPublicKey({ key: der, format: "der", type: "spki" });
    return crypto.verify(null, message, key, signature);
  } catch {
    // OpenSSL and BoringSSL differ in whether bytes that are no point fail here or below.
    return false;
  }
}
