/**
 * An Ed25519 public key as SSH has it (RFC 8709 section 4), and what people compare it by:
 *
 *   blob = | u32 11 | "ssh-ed25519" | u32 32 | public key |
 *
 *   SHA256:BASE64, the hash of the blob, as `ssh-keygen -l` shows it
 */
import { decodeBase64, encodeBareBase64, encodeBase64 } from "./base64.ts";
import { isSameBytes } from "./bytes.ts";
import { PUBLIC_KEY_BYTES } from "./signature.ts";
import { sha256 } from "./derivation.ts";

export const KEY_ALGORITHM = "ssh-ed25519";

const BLOB_HEAD = Buffer.from(`\0\0\0\x0b${KEY_ALGORITHM}\0\0\0\x20`, "latin1");

export function encodeKeyBlob(publicKey: Uint8Array): Uint8Array {
  return Buffer.concat([BLOB_HEAD, publicKey]);
}

/** `ssh-ed25519 BASE64 comment`, without a line end; the comment has no control characters. */
export function formatKeyLine(publicKey: Uint8Array, comment: string): string {
  return `${KEY_ALGORITHM} ${encodeBase64(encodeKeyBlob(publicKey))} ${comment}`.trimEnd();
}

/** The public key in the base64 of a blob; nothing when it is no Ed25519 key, cut off or damaged. */
export function decodeKeyBlob(text: string): Uint8Array | undefined {
  const blob = decodeBase64(text);
  const isWhole =
    blob?.byteLength === BLOB_HEAD.byteLength + PUBLIC_KEY_BYTES &&
    isSameBytes(blob.subarray(0, BLOB_HEAD.byteLength), BLOB_HEAD);
  return isWhole ? blob.subarray(BLOB_HEAD.byteLength) : undefined;
}

export function keyFingerprint(publicKey: Uint8Array): string {
  return `SHA256:${encodeBareBase64(sha256(encodeKeyBlob(publicKey)))}`;
}
