/**
 * The system calls that change what a directory holds, each on one name of an open
 * directory. They act on links themselves and report system errors as they are. A
 * store takes them as an argument, so that tests can let one fail.
 */
import fs from "node:fs";
import { FtpxError } from "../base/errors.ts";
import { OpenFile } from "../base/openfile.ts";
import { renamePatiently } from "../base/renaming.ts";
import { mayUse } from "../base/ways.ts";
import { RENAME_NOREPLACE } from "./kernel.ts";
import type { Kernel } from "./kernel.ts";
import { HAS_PROC } from "./location.ts";
import type { Location } from "./location.ts";

export interface Changes {
  makeDir(at: Location): Promise<void>;
  removeFile(at: Location): Promise<void>;
  removeDir(at: Location): Promise<void>;
  /**
   * Atomic; replaces what may be replaced. Never copies: EXDEV is an error.
   *
   * @param isThere something stands there, as far as is known
   */
  rename(from: Location, to: Location, isThere: boolean): Promise<void>;
  /**
   * As `rename`, but replaces nothing: EEXIST, or EXISTS. Decided by the system where it can;
   * else a directory is looked for first, and a file is for a moment there under both names.
   */
  renameNew(from: Location, to: Location): Promise<void>;
}

const DIRECTORY_MODE = 0o700;

/** Not in `fs.constants`; Linux only, the same on x64 and arm64. */
const O_PATH = 0o10_000_000;

export function systemChanges(kernel: Kernel | undefined): Changes {
  return {
    async makeDir(at) {
      await fs.promises.mkdir(at.path, { mode: DIRECTORY_MODE });
    },
    removeFile: (at) => fs.promises.unlink(at.path),
    removeDir: (at) => fs.promises.rmdir(at.path),
    rename,
    renameNew: kernel === undefined || !mayUse("renameat2") ? renameByLink : renameByKernel(kernel),
  };
}

/**
 * What is replaced is held over the rename. The kernel would else free it inside the call,
 * with the directory locked, and whoever lists the directory would wait: 0.3 s for a file
 * of 1 GiB. So it is freed when the hold ends, which nobody waits for.
 */
async function rename(from: Location, to: Location, isThere: boolean): Promise<void> {
  const replaced = isThere ? await hold(to) : undefined;
  try {
    await renamePatiently(from.path, to.path);
  } finally {
    void replaced?.close().catch(() => {});
  }
}

/** Undefined when nothing is there, or the system has no way to hold it without opening it. */
async function hold(at: Location): Promise<OpenFile | undefined> {
  if (!HAS_PROC || !mayUse("held-files")) return undefined;
  return await OpenFile.open(at.path, O_PATH | fs.constants.O_NOFOLLOW).catch(() => undefined);
}

function renameByKernel(kernel: Kernel): Changes["renameNew"] {
  return async (from, to) => {
    try {
      kernel.rename(from.directory.fd, from.name, to.directory.fd, to.name, RENAME_NOREPLACE);
    } catch (error) {
      // Some file systems cannot; a directory moved into itself is refused once more below.
      if ((error as { code?: string }).code !== "EINVAL") throw error;
      await renameByLink(from, to);
    }
  };
}

/** What link(2) says where a file system has no hard links, or not this one of this file. */
const NOT_LINKED = new Set(["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EINVAL", "EMLINK"]);

/** link(2) does not replace, and no other call that every system has says so of itself. */
async function renameByLink(from: Location, to: Location): Promise<void> {
  // Some systems would make another name of what a symbolic link leads to.
  const isFile = (await from.stats()).isFile();
  if (!isFile || !(await linkTo(from, to))) {
    await renameUnlessThere(from, to);
    return;
  }
  try {
    await fs.promises.unlink(from.path);
  } catch (error) {
    await fs.promises.unlink(to.path);
    throw error;
  }
}

/** @returns whether it could be done at all; throws a system error, EEXIST among them */
async function linkTo(from: Location, to: Location): Promise<boolean> {
  try {
    await fs.promises.link(from.path, to.path);
    return true;
  } catch (error) {
    if (NOT_LINKED.has((error as { code?: string }).code ?? "")) return false;
    throw error;
  }
}

async function renameUnlessThere(from: Location, to: Location): Promise<void> {
  if ((await to.find()) !== undefined) throw new FtpxError("EXISTS");
  await rename(from, to, false);
}
