/**
 * Base64 (RFC 4648 section 4) read strictly: one spelling for each sequence of bytes.
 *
 * Buffer skips what it does not know and ignores stray bits at the end, so the same
 * proof or key would have many spellings. "Bare" is without the padding.
 */

export function encodeBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
}

export function encodeBareBase64(bytes: Uint8Array): string {
  return encodeBase64(bytes).replace(/=+$/, "");
}

/** Nothing, when `text` is not what `encodeBase64` writes. */
export function decodeBase64(text: string): Uint8Array | undefined {
  const bytes = Buffer.from(text, "base64");
  return encodeBase64(bytes) === text ? bytes : undefined;
}

/** Nothing, when `text` is not what `encodeBareBase64` writes. */
export function decodeBareBase64(text: string): Uint8Array | undefined {
  const bytes = Buffer.from(text, "base64");
  return encodeBareBase64(bytes) === text ? bytes : undefined;
}
