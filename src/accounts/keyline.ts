/**
 * Public keys as one line of text, the way OpenSSH writes them:
 *
 *   ssh-ed25519 BASE64 comment
 *
 * BASE64 is the blob of base/keyblob.ts. Only Ed25519, without options in front. A key of
 * small order is refused: everybody can make signatures that it verifies (RFC 8032 section
 * 5.1.7 lets them pass). Checking signatures is for commands/keys.ts.
 */
import { encodeBase64 } from "../base/base64.ts";
import { decodeKeyBlob, encodeKeyBlob } from "../base/keyblob.ts";
import { PUBLIC_KEY_BYTES } from "../base/signature.ts";

export interface KeyLine {
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
  readonly comment: string;
}

const LINE = /^ssh-ed25519[ \t]+([A-Za-z0-9+/=]+)(?:[ \t]+(\P{Cc}*))?$/u;

/** All encodings of the eight points of small order, without the sign bit. */
const SMALL_ORDER_HEX = new Set([
  "0000000000000000000000000000000000000000000000000000000000000000",
  "0100000000000000000000000000000000000000000000000000000000000000",
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
]);

/** @param refuse says what is wrong with the line */
export function parseKeyLine(line: string, refuse: (reason: string) => never): KeyLine {
  const parts = LINE.exec(line.trim());
  if (parts === null) return refuse("a key is not of the form ssh-ed25519 BASE64 COMMENT");
  const [, blobText = "", comment = ""] = parts;
  const publicKey = decodeKeyBlob(blobText);
  if (publicKey === undefined) return refuse("a key is cut off or damaged");
  if (isSmallOrder(publicKey)) return refuse("a key is one that everybody can sign for");
  return { publicKey, comment: comment.trim() };
}

/** Whether a line that `parseKeyLine` accepts is about this key: a key has one spelling. */
export function isLineOf(line: string, publicKey: Uint8Array): boolean {
  return LINE.exec(line.trim())?.[1] === encodeBase64(encodeKeyBlob(publicKey));
}

function isSmallOrder(publicKey: Uint8Array): boolean {
  const unsigned = Buffer.from(publicKey);
  unsigned.writeUInt8(unsigned.readUInt8(PUBLIC_KEY_BYTES - 1) & 0x7f, PUBLIC_KEY_BYTES - 1);
  return SMALL_ORDER_HEX.has(unsigned.toString("hex"));
}
