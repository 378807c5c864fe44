/**
 * What befalls the files of e2e/proof.e2e.ts: bits that turn, times that are set back, and
 * digests that tell what came of it.
 */
import fs from "node:fs";
import { composeDigest, formatDigest } from "../../src/base/digest.ts";

export const MIB = 1024 * 1024;
export const CHUNK_BYTES = 8 * MIB;

/** The digest of a file, as its receipt has it. */
export async function digestOf(path: string): Promise<string> {
  const fd = fs.openSync(path, "r");
  const chunk = new Uint8Array(CHUNK_BYTES);
  const digests: Uint8Array[] = [];
  for (let offset = 0; ; offset += CHUNK_BYTES) {
    const count = fs.readSync(fd, chunk, 0, CHUNK_BYTES, offset);
    if (count === 0 && offset > 0) break;
    const hasher = new Bun.CryptoHasher("sha256").update(chunk.subarray(0, count));
    digests.push(new Uint8Array(hasher.digest()));
  }
  fs.closeSync(fd);
  return formatDigest(await composeDigest("sha256", digests));
}

/** Turns one bit. */
export function flip(path: string, offset: number): void {
  const fd = fs.openSync(path, "r+");
  const byte = new Uint8Array(1);
  fs.readSync(fd, byte, 0, 1, offset);
  const turned = byte.map((bits) => bits ^ 1);
  fs.writeSync(fd, turned, 0, 1, offset);
  fs.closeSync(fd);
}

/** A second in the past, which every file system keeps exactly. */
export function setTime(path: string): void {
  fs.utimesSync(path, 1_700_000_000, 1_700_000_000);
}

/** The same content and mtime in another file. */
export function copyOver(path: string): void {
  fs.copyFileSync(path, `${path}.copy`);
  setTime(`${path}.copy`);
  fs.renameSync(`${path}.copy`, path);
}

export function sizeOf(path: string): number {
  return fs.statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

export function modifiedMsOf(path: string): number {
  return Number(fs.statSync(path, { bigint: true }).mtimeMs);
}

/** Zeros behind the end. */
export function grow(path: string, bytes: number): void {
  fs.appendFileSync(path, new Uint8Array(bytes));
}

/** Turns the last bit, and leaves size and mtime as they were. */
export function flipLast(path: string): void {
  flip(path, sizeOf(path) - 1);
  setTime(path);
}

/** Changes content, and neither size nor mtime. */
export function flipBehindItsTime(stored: string): void {
  const { atime, mtime } = fs.statSync(stored);
  flip(stored, MIB);
  fs.utimesSync(stored, atime, mtime);
}
