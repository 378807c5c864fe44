/**
 * The private key to sign in with: which file, whether it is safe to use, its passphrase.
 *
 * `--key` names it, else FTPX_KEY; a key that merely lies somewhere is never used, so that
 * nobody signs in with it without having said so. What is known of the file before it is
 * opened is told before a server is asked for anything.
 */
import { constants } from "node:fs";
import fs from "node:fs/promises";
import { FtpxError, isKind, withPath } from "../base/errors.ts";
import { KEY_FILE_BYTES_MAX } from "../base/limits.ts";
import type { SigningKey } from "../base/signature.ts";
import { localFailure } from "../client/copy.ts";
import { parseKeyFile } from "../client/keyfile.ts";
import type { KeyFile } from "../client/keyfile.ts";
import { askPassword } from "./hidden.ts";
import { canAsk } from "./terminal.ts";
import { showError } from "./trouble.ts";

const PASSPHRASE_TRIES = 3;

/** A key whose passphrase, if it has one, was not asked for yet. */
export interface LockedKey extends KeyFile {
  readonly file: string;
}

interface Wish {
  readonly key?: string | undefined;
  readonly passwordStdin?: true | undefined;
}

/**
 * What an option asks for goes before what the environment does.
 *
 * @throws FtpxError NO_LOCAL_FILE, LOCAL_IO, KEY_EXPOSED, BAD_KEY_FILE, KEY_NOT_ED25519
 */
export async function findKey({ key, passwordStdin }: Wish): Promise<LockedKey | undefined> {
  const fromEnvironment = passwordStdin === true ? "" : (process.env["FTPX_KEY"] ?? "");
  const file = key ?? fromEnvironment;
  if (file === "") return undefined;
  try {
    const { text, isExposed } = await readPrivate(file);
    // Of a public key, which may be read by everybody, it is said that it is one.
    const parsed = parseKeyFile(text);
    if (isExposed) throw new FtpxError("KEY_EXPOSED");
    return { file, ...parsed };
  } catch (error) {
    throw withPath(error, file);
  }
}

/**
 * Asks for the passphrase of a key that has one, three times.
 *
 * @throws FtpxError NO_PASSPHRASE, WRONG_PASSPHRASE, BAD_KEY_FILE, INTERRUPTED
 */
export async function unlockKey(locked: LockedKey): Promise<SigningKey> {
  try {
    if (!locked.isEncrypted) return locked.unlock("");
    const given = givenPassphrase();
    return given === undefined ? await askPassphrase(locked) : locked.unlock(given);
  } catch (error) {
    throw withPath(error, locked.file);
  }
}

/** Of FTPX_KEY_PASSPHRASE; never an argument, which every user of the machine can read. */
export function givenPassphrase(): string | undefined {
  const passphrase = process.env["FTPX_KEY_PASSPHRASE"] ?? "";
  return passphrase === "" ? undefined : passphrase;
}

async function askPassphrase(locked: LockedKey): Promise<SigningKey> {
  if (!canAsk()) throw new FtpxError("NO_PASSPHRASE");
  for (let triesLeft = PASSPHRASE_TRIES - 1; ; triesLeft -= 1) {
    const passphrase = await askPassword(`passphrase of ${locked.file}`);
    try {
      return locked.unlock(passphrase);
    } catch (error) {
      if (!isKind(error, "WRONG_PASSPHRASE") || triesLeft === 0) throw error;
      showError(withPath(error, locked.file));
    }
  }
}

/** @throws FtpxError NO_LOCAL_FILE, LOCAL_IO, BAD_KEY_FILE */
async function readPrivate(file: string): Promise<{ text: string; isExposed: boolean }> {
  let isExposed = false;
  const text = await readSmall(file, ({ mode, uid, isFile }) => {
    // As ssh: a key of somebody else's, which only they can protect, is their affair.
    isExposed = isFile && uid === process.getuid?.() && (mode & 0o077) !== 0;
  });
  return { text, isExposed };
}

interface FileFacts {
  readonly mode: number;
  readonly uid: number;
  readonly isFile: boolean;
}

/**
 * The text of a file of keys, which is small or something else; also of a pipe, as a shell
 * makes it of `<(…)`.
 *
 * @throws FtpxError NO_LOCAL_FILE, LOCAL_IO, BAD_KEY_FILE
 */
export async function readSmall(
  file: string,
  look: (facts: FileFacts) => void = () => {},
): Promise<string> {
  try {
    const handle = await fs.open(file, constants.O_RDONLY);
    try {
      const stats = await handle.stat();
      if (stats.isDirectory()) throw new FtpxError("BAD_KEY_FILE", { reason: "it is a directory" });
      look({ mode: stats.mode, uid: stats.uid, isFile: stats.isFile() });
      return await readText(handle);
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw withPath(localFailure(error, file), file);
  }
}

async function readText(handle: fs.FileHandle): Promise<string> {
  const bytes = Buffer.alloc(KEY_FILE_BYTES_MAX + 1);
  let filledBytes = 0;
  for (;;) {
    const { bytesRead } = await handle.read(bytes, filledBytes, bytes.byteLength - filledBytes);
    filledBytes += bytesRead;
    if (bytesRead === 0) break;
  }
  if (filledBytes > KEY_FILE_BYTES_MAX) {
    throw new FtpxError("BAD_KEY_FILE", { reason: "it is too large" });
  }
  const text = bytes.toString("utf8", 0, filledBytes);
  bytes.fill(0);
  return text;
}
