/**
 * A VirtualPath is what a user calls a file: absolute in the user's home, `/`
 * between names, no empty name, no `.` and no `..`. Only `parsePath` makes one, at
 * the place where a path comes in; nothing behind it checks a path again.
 *
 * File names are bytes and need not be UTF-8, the wire's paths are UTF-8. A byte
 * that is not part of valid UTF-8 is written as one character of a private block,
 * U+10FE80 to U+10FEFF for 0x80 to 0xFF. A real name that holds such a character
 * has its four bytes written that way too, so the mapping is exact in both
 * directions, and any other spelling is refused.
 */
import { encodeText, isSameBytes } from "./bytes.ts";
import { FtpxError } from "./errors.ts";
import { NAME_BYTES_MAX, PATH_BYTES_MAX } from "./limits.ts";

declare const checked: unique symbol;

/** Absolute in the home: "/" is the home, "/a/b" a thing in it. */
export type VirtualPath = string & { readonly [checked]: true };

export const HOME = "/" as VirtualPath;

const ESCAPE_BASE = 0x10fe00;
const ESCAPED = /[\u{10fe80}-\u{10feff}]/u;
const DECODER = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const LENIENT_DECODER = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * Makes a VirtualPath of what somebody wrote. Repeated slashes, `.` and `..` are
 * resolved by the text alone; a `..` that would leave the home is refused.
 *
 * @throws FtpxError BAD_PATH, NAME_TOO_LONG, OUTSIDE_HOME
 */
export function parsePath(text: string): VirtualPath {
  if (!text.startsWith("/")) throw new FtpxError("BAD_PATH", { reason: "does not begin with /" });
  if (text.includes("\0")) throw new FtpxError("BAD_PATH", { reason: "holds a NUL" });
  if (!text.isWellFormed()) throw new FtpxError("BAD_PATH", { reason: "is not Unicode" });

  const names: string[] = [];
  for (const name of text.split("/")) {
    if (name === "" || name === ".") continue;
    if (name !== "..") names.push(checkName(name));
    else if (names.pop() === undefined) throw new FtpxError("OUTSIDE_HOME");
  }
  const path = `/${names.join("/")}`;
  if (nameBytes(path).byteLength > PATH_BYTES_MAX) {
    throw new FtpxError("NAME_TOO_LONG", { limitBytes: PATH_BYTES_MAX });
  }
  return path as VirtualPath;
}

/** `text` as seen from `directory`: an absolute text stands for itself. */
export function resolvePath(directory: VirtualPath, text: string): VirtualPath {
  return parsePath(text.startsWith("/") ? text : `${directory}/${text}`);
}

/** A path one name deeper. The name comes from a directory listing of our own. */
export function childPath(directory: VirtualPath, name: string): VirtualPath {
  return (directory === HOME ? `/${name}` : `${directory}/${name}`) as VirtualPath;
}

export function namesOf(path: VirtualPath): string[] {
  return path === HOME ? [] : path.slice(1).split("/");
}

/** The last name; empty for the home itself. */
export function leafOf(path: VirtualPath): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

export function parentOf(path: VirtualPath): VirtualPath {
  const end = path.lastIndexOf("/");
  return (end <= 0 ? HOME : path.slice(0, end)) as VirtualPath;
}

/** Whether `path` is `directory` or lies below it, name by name and not by prefix. */
export function isWithin(directory: VirtualPath, path: VirtualPath): boolean {
  return directory === HOME || path === directory || path.startsWith(`${directory}/`);
}

/** A name or path as the file system has it. */
export function nameBytes(text: string): Uint8Array {
  if (!ESCAPED.test(text)) return encodeText(text);
  const parts: Uint8Array[] = [];
  for (const character of text) {
    const point = character.codePointAt(0) ?? 0;
    const escaped = point >= ESCAPE_BASE + 0x80 && point <= ESCAPE_BASE + 0xff;
    parts.push(escaped ? Uint8Array.of(point - ESCAPE_BASE) : encodeText(character));
  }
  return Buffer.concat(parts);
}

/** A name that the file system has, as text: the inverse of `nameBytes`. */
export function nameText(bytes: Uint8Array): string {
  const text = decodeWhole(bytes);
  return text !== undefined && !ESCAPED.test(text) ? text : escapeBytes(bytes);
}

/** A path of this machine, names as `nameText` has them, as its system calls take it. */
export function systemPath(text: string): string | Buffer {
  // Names of Windows are UTF-16 and have no bytes of their own.
  if (process.platform === "win32" || !ESCAPED.test(text)) return text;
  return Buffer.from(nameBytes(text));
}

function checkName(name: string): string {
  const bytes = nameBytes(name);
  if (bytes.byteLength > NAME_BYTES_MAX) {
    throw new FtpxError("NAME_TOO_LONG", { limitBytes: NAME_BYTES_MAX });
  }
  // An escape that hides a slash, a dot or plain UTF-8 would be a second spelling.
  if (ESCAPED.test(name) && nameText(bytes) !== name) {
    throw new FtpxError("BAD_PATH", { reason: "holds a needless escape" });
  }
  return name;
}

function decodeWhole(bytes: Uint8Array): string | undefined {
  try {
    return DECODER.decode(bytes);
  } catch {
    return undefined;
  }
}

function escapeBytes(bytes: Uint8Array): string {
  let text = "";
  for (let offset = 0; offset < bytes.byteLength;) {
    const length = validLength(bytes, offset);
    if (length === 0) {
      text += String.fromCodePoint(ESCAPE_BASE + (bytes[offset] ?? 0));
      offset += 1;
    } else {
      text += DECODER.decode(bytes.subarray(offset, offset + length));
      offset += length;
    }
  }
  return text;
}

/** Bytes of the valid, not escape-like UTF-8 sequence at `offset`; 0 when there is none. */
function validLength(bytes: Uint8Array, offset: number): number {
  const lead = bytes[offset] ?? 0;
  if (lead < 0x80) return 1;
  // Decoding without refusal, because an exception for each of 4 KiB of bytes would hold
  // everybody up for 30 ms. What is not UTF-8 comes back as other bytes.
  const sequence = bytes.subarray(offset, offset + (lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4));
  const text = LENIENT_DECODER.decode(sequence);
  if (!isSameBytes(encodeText(text), sequence) || ESCAPED.test(text)) return 0;
  return sequence.byteLength;
}
