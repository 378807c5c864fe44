/**
 * accounts.toml as it lies on the disk: its text, which version of it that is, and the
 * complaint about a place in it. What the text means is parsing.ts.
 */
import { constants } from "node:fs";
import fs from "node:fs/promises";
import { errorOfSystem, FtpxError, isKind, withPath } from "../base/errors.ts";
import { ACCOUNTS_FILE_BYTES_MAX } from "../base/limits.ts";
import { factsOf, OpenFile } from "../base/openfile.ts";

/** What a poll compares. A file that is not there is a version too. */
export const MISSING = "missing";

// A FIFO in the file's place must not block the server; Windows has neither.
const READ_FLAGS = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);

/** @throws FtpxError BAD_ACCOUNTS when it is too large or not UTF-8, NO_PERMISSION, … */
export async function readAccounts(
  file: string,
): Promise<{ text: string; version: string } | undefined> {
  try {
    const opened = await OpenFile.open(file, READ_FLAGS);
    try {
      return await readOpened(opened, file);
    } finally {
      await opened.close();
    }
  } catch (failure) {
    if (isKind(failure, "NO_SUCH_PATH")) return undefined;
    throw isKind(failure, "BAD_ACCOUNTS") ? failure : withPath(failure, file);
  }
}

async function readOpened(opened: OpenFile, file: string) {
  const { kind, bytes, version } = await opened.facts();
  if (kind !== "file") refuse(file, "not a file");
  if (bytes > ACCOUNTS_FILE_BYTES_MAX) refuseSize(file);
  const content = Buffer.alloc(bytes);
  const text = decode(content.subarray(0, await opened.read(content, 0)), file);
  return { text, version };
}

function decode(bytes: Uint8Array, file: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    // U+FFFD stands where the first wrong byte is, unless somebody wrote one before it.
    const before = Buffer.from(bytes).toString("utf8").split("\ufffd", 1).join();
    const lines = before.split("\n");
    return refuse(file, "not UTF-8", {
      line: lines.length,
      column: (lines.at(-1) ?? "").length + 1,
    });
  }
}

export async function versionOf(file: string): Promise<string> {
  try {
    return factsOf(await fs.stat(file, { bigint: true })).version;
  } catch (failure) {
    const refusal = errorOfSystem(failure);
    if (!(refusal instanceof FtpxError)) throw refusal;
    // Why it cannot be looked at is found out, and said, when it is read.
    return refusal.kind === "NO_SUCH_PATH" ? MISSING : refusal.kind;
  }
}

export function refuseSize(file: string): never {
  return refuse(file, `the file is larger than ${ACCOUNTS_FILE_BYTES_MAX} bytes`);
}

export function refuse(file: string, reason: string, place = { line: 1, column: 1 }): never {
  throw new FtpxError("BAD_ACCOUNTS", { file, ...place, reason });
}
