/**
 * Ad-hoc signatures of Mach-O files: digests of all pages, signed by nobody. macOS ends a
 * program whose pages differ from the digests in it, and on Apple silicon one without any.
 *
 * Bun 1.4.5 makes them for arm64, as `a.out`. Into x64 files it puts the program and leaves the
 * signature of its own makers, whose digests no longer hold. So `sealed` replaces both. Who has
 * a certificate of Apple's signs over it (`codesign --force`) and has it notarized.
 *
 * Layout: cs_blobs.h of xnu, all numbers big-endian; as linkers write it, version 0x20400.
 */
import { LC_CODE_SIGNATURE, LC_SEGMENT_64, machoCommands, offsetAt } from "./formats.ts";
import { readExecutable, textAt, viewOf } from "./formats.ts";

const SUPER_BLOB = 0xfade_0cc0;
const CODE_DIRECTORY = 0xfade_0c02;
const SUPER_BLOB_BYTES = 12 + 8;
const DIRECTORY_BYTES = 88;
const VERSION = 0x2_0400;
/** `adhoc` and `linker-signed`: may be replaced without being asked for. */
const FLAGS = 0x2_0002;
const HASH_BYTES = 32;
const HASH_SHA256 = 2;
const PAGE_BITS = 12;
const PAGE_BYTES = 1 << PAGE_BITS;
/** Segments end on pages, and those of Apple silicon are the largest. */
const SEGMENT_PAGE_BYTES = 1 << 14;
const SEGMENT_IS_MAIN = 1n;

/** Whether every digest of the signature is that of its page, up to where the signature begins. */
export function isSealed(file: Uint8Array): boolean {
  const { signature } = readExecutable(file);
  if (signature === undefined) return false;
  if (signature.offset + signature.bytes !== file.byteLength) return false;
  const blob = file.subarray(signature.offset);
  const view = viewOf(blob);
  if (view.getUint32(0) !== SUPER_BLOB) return false;
  const directory = view.getUint32(16);
  if (view.getUint32(directory) !== CODE_DIRECTORY) return false;

  const codeBytes = view.getUint32(directory + 32);
  const pages = view.getUint32(directory + 28);
  if (codeBytes !== signature.offset || pages !== Math.ceil(codeBytes / PAGE_BYTES)) return false;
  if (view.getUint8(directory + 37) !== HASH_SHA256) return false;
  if (view.getUint8(directory + 39) !== PAGE_BITS) return false;
  const hashes = directory + view.getUint32(directory + 16);
  const kept = blob.subarray(hashes, hashes + pages * HASH_BYTES);
  return Buffer.compare(kept, digestsOf(file.subarray(0, codeBytes))) === 0;
}

/** A copy with an ad-hoc signature in the place of what it has. */
export function sealed(file: Uint8Array, identifier: string): Uint8Array {
  const { signature } = readExecutable(file);
  if (signature === undefined) throw new Error("no room for a signature in this Mach-O file");
  const codeBytes = signature.offset;
  const name = Buffer.from(`${identifier}\0`);
  const pages = Math.ceil(codeBytes / PAGE_BYTES);
  const directoryBytes = DIRECTORY_BYTES + name.byteLength + pages * HASH_BYTES;
  const blobBytes = SUPER_BLOB_BYTES + directoryBytes;

  const copy = new Uint8Array(codeBytes + blobBytes);
  copy.set(file.subarray(0, codeBytes));
  // The load commands lie in a page that is signed: they are changed first.
  const text = announce(copy, codeBytes, blobBytes);

  const blob = viewOf(copy.subarray(codeBytes));
  [SUPER_BLOB, blobBytes, 1, 0, SUPER_BLOB_BYTES].forEach((value, index) => {
    blob.setUint32(index * 4, value);
  });
  const at = SUPER_BLOB_BYTES;
  const hashOffset = DIRECTORY_BYTES + name.byteLength;
  const words = [CODE_DIRECTORY, directoryBytes, VERSION, FLAGS, hashOffset, DIRECTORY_BYTES];
  [...words, 0, pages, codeBytes].forEach((value, index) => blob.setUint32(at + index * 4, value));
  blob.setUint8(at + 36, HASH_BYTES);
  blob.setUint8(at + 37, HASH_SHA256);
  blob.setUint8(at + 39, PAGE_BITS);
  blob.setBigUint64(at + 64, BigInt(text.offset));
  blob.setBigUint64(at + 72, BigInt(text.bytes));
  blob.setBigUint64(at + 80, SEGMENT_IS_MAIN);
  copy.set(name, codeBytes + at + DIRECTORY_BYTES);
  copy.set(digestsOf(copy.subarray(0, codeBytes)), codeBytes + at + hashOffset);
  return copy;
}

/** Says in the load commands how long the signature is; answers where the code lies. */
function announce(copy: Uint8Array, codeBytes: number, blobBytes: number) {
  const view = viewOf(copy);
  let text = { offset: 0, bytes: 0 };
  for (const { kind, at } of machoCommands(view)) {
    if (kind === LC_CODE_SIGNATURE) view.setUint32(at + 12, blobBytes, true);
    if (kind !== LC_SEGMENT_64) continue;
    const name = textAt(copy, at + 8, 16);
    if (name === "__TEXT")
      text = { offset: offsetAt(view, at + 40), bytes: offsetAt(view, at + 48) };
    if (name !== "__LINKEDIT") continue;
    const bytes = codeBytes + blobBytes - offsetAt(view, at + 40);
    const pages = Math.ceil(bytes / SEGMENT_PAGE_BYTES);
    view.setBigUint64(at + 32, BigInt(pages * SEGMENT_PAGE_BYTES), true);
    view.setBigUint64(at + 48, BigInt(bytes), true);
  }
  return text;
}

function digestsOf(code: Uint8Array): Uint8Array {
  const digests = new Uint8Array(Math.ceil(code.byteLength / PAGE_BYTES) * HASH_BYTES);
  for (let page = 0; page * PAGE_BYTES < code.byteLength; page += 1) {
    const bytes = code.subarray(page * PAGE_BYTES, (page + 1) * PAGE_BYTES);
    digests.set(Bun.SHA256.hash(bytes) as Uint8Array, page * HASH_BYTES);
  }
  return digests;
}
