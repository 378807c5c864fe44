/**
 * Replaces a small file whole: at any moment, and after a power failure, there is the old
 * content or the new one. The new content is written beside the file, synced and renamed
 * over it; nothing is ever written in place, so a full disk leaves the old file as it is.
 *
 * Mode and owner of the old file are kept. A symbolic link stays one: what it points to is
 * replaced. Keeping other writers away is the caller's.
 */
import { randomBytes } from "node:crypto";
import { constants } from "node:fs";
import fs from "node:fs/promises";
import { dirname } from "node:path";
import { syncDirectory } from "./directories.ts";
import { errorOfSystem, isKind } from "./errors.ts";
import { OpenFile } from "./openfile.ts";
import { renamePatiently } from "./renaming.ts";

const { O_CREAT, O_EXCL, O_WRONLY } = constants;

const NEW_FILE_MODE = 0o600;

/** How the names of temporary files end; one that is there although nobody writes is a leftover. */
export const TEMPORARY = /\.[0-9a-f]{12}\.tmp$/;

type Open = (path: string, flags: number, mode: number) => Promise<OpenFile>;

/**
 * @param open opens the temporary file; given only by tests
 * @throws FtpxError DISK_FULL, NO_PERMISSION, IO_FAILED, …; the old file is there unless it
 *         was the directory's sync that failed
 */
export async function replaceFile(
  path: string,
  bytes: Uint8Array,
  open: Open = (...wanted) => OpenFile.open(...wanted),
): Promise<void> {
  const old = await findOld(path);
  const target = old?.path ?? path;
  const temporary = `${target}.${randomBytes(6).toString("hex")}.tmp`;
  const file = await open(temporary, O_WRONLY | O_CREAT | O_EXCL, NEW_FILE_MODE);
  try {
    await file.write([bytes], 0);
    if (old !== undefined) await keepOwner(temporary, old);
    await file.sync();
    await file.close();
    await renamePatiently(temporary, target);
  } catch (failure) {
    await Promise.allSettled([file.close(), fs.rm(temporary, { force: true })]);
    throw errorOfSystem(failure);
  }
  await syncDirectory(dirname(target));
}

interface Old {
  /** Without symbolic links. */
  readonly path: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

async function findOld(path: string): Promise<Old | undefined> {
  try {
    const { mode, uid, gid } = await fs.stat(path);
    return { path: await fs.realpath(path), mode: mode & 0o7777, uid, gid };
  } catch (failure) {
    const refusal = errorOfSystem(failure);
    if (isKind(refusal, "NO_SUCH_PATH")) return undefined;
    throw refusal;
  }
}

/** Root may edit a file of the server's user, who must still be able to read it afterwards. */
async function keepOwner(temporary: string, { mode, uid, gid }: Old): Promise<void> {
  const made = await fs.stat(temporary);
  if (made.uid !== uid || made.gid !== gid) await fs.chown(temporary, uid, gid);
  await fs.chmod(temporary, mode);
}
