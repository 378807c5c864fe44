/**
 * Directories that are still there after a loss of power: the entry of a new one is on the
 * disk when the directory that holds it was synced (fsync(2)), and not before.
 */
import { constants } from "node:fs";
import fs from "node:fs/promises";
import { dirname } from "node:path";
import { OpenFile } from "./openfile.ts";
import { systemPath } from "./path.ts";
import { SharedWork } from "./sharedwork.ts";
import { mayUse } from "./ways.ts";

/**
 * Makes a directory and those above it that are missing, and syncs what holds the new ones.
 *
 * @throws the system's error, or FtpxError when a sync fails
 */
export async function makeDirectories(path: string, mode = 0o777): Promise<void> {
  const first = await fs.mkdir(path, { recursive: true, mode });
  if (first === undefined) return;
  for (let made = path; made.length >= first.length; made = dirname(made)) {
    await syncDirectory(dirname(made));
  }
}

const syncs = new SharedWork();

/**
 * What was made and renamed in it before this was asked for is on the disk. Those who ask for
 * one directory together share a sync.
 *
 * @param path names as `nameText` has them @throws FtpxError
 */
export async function syncDirectory(path: string): Promise<void> {
  // Windows syncs no directories; when an entry is on the disk is up to the system there.
  if (mayUse("directory-sync")) await syncs.join(path, () => syncAt(path));
}

async function syncAt(path: string): Promise<void> {
  const directory = await OpenFile.open(systemPath(path), constants.O_RDONLY);
  try {
    await directory.sync();
  } finally {
    directory.closeNow();
  }
}
