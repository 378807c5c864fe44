/**
 * Positional reads and writes on an open descriptor, on the thread pool unless the answer is in
 * memory.
 *
 * Bun and Node take a wrong position for "wherever the file stands" and return
 * short counts; here every position is checked and every short count is continued.
 * Errors come out as FtpxError (DISK_FULL, IO_FAILED, …). Works for files of the
 * server and of the client alike.
 */
import fs from "node:fs";
import { checkSize } from "./bytes.ts";
import { errorOfSystem, FtpxError, isKind } from "./errors.ts";
import { mayUse } from "./ways.ts";

/** The last moment that a Date can name; file systems end before. */
const DATE_MS_MAX = 8.64e15;

/** Refuses to open what is a link; where there is no such flag, `openUnlinked` looks itself. */
export const NO_LINK = mayUse("no-follow") ? fs.constants.O_NOFOLLOW : 0;

const FREED_AT_ONCE_BYTES_MAX = 512 * 1024;

/** How often something else may stand at a path between a look and an open. */
const LOOKS_MAX = 8;

/** What a listing says of an entry. */
export interface Outline {
  readonly kind: "file" | "directory" | "link" | "other";
  /** Size of a file; 0 for everything else. */
  readonly bytes: number;
  readonly modifiedMs: number;
}

export interface FileFacts extends Outline {
  /** Changes whenever the content may have changed: inode, size, mtime and ctime in nanoseconds. */
  readonly version: string;
  /** As `version` without ctime, which also changes when an open file is renamed or removed. */
  readonly content: string;
  /** When content, name or rights changed last; nobody can set it. */
  readonly changedMs: number;
  readonly inode: bigint;
  readonly device: bigint;
}

/** Descriptor of an open regular file; whoever holds it closes it. */
export class OpenFile {
  readonly fd: number;
  #isOpen = true;

  constructor(fd: number) {
    this.fd = fd;
  }

  /** @throws FtpxError */
  static async open(path: string | Buffer, flags: number, mode = 0o600): Promise<OpenFile> {
    const fd = await new Promise<number>((resolve, reject) => {
      fs.open(path, flags, mode, settle(resolve, reject));
    });
    return new OpenFile(fd);
  }

  /**
   * As `open`, but never what a link leads to: that is ELOOP. Where the system has no flag for
   * it, what was opened must be what was seen just before; nothing is made or emptied by then.
   *
   * @throws FtpxError
   */
  static async openUnlinked(
    path: string | Buffer,
    flags: number,
    mode = 0o600,
    noLink = NO_LINK,
  ): Promise<OpenFile> {
    const { O_CREAT, O_EXCL, O_TRUNC } = fs.constants;
    // What must be new is no link either.
    const isNew = (flags & O_EXCL) !== 0;
    if (noLink !== 0 || isNew) return await OpenFile.open(path, flags | noLink, mode);
    for (let looks = 0; looks < LOOKS_MAX; looks += 1) {
      const seen = await findFacts(path);
      if (seen?.kind === "link") break;
      // Only what is made here is taken without having been seen.
      const isMaking = seen === undefined && (flags & O_CREAT) !== 0;
      const wanted = isMaking ? flags | O_EXCL : flags & ~(O_TRUNC | O_CREAT);
      const file = await OpenFile.open(path, wanted, mode).catch((error: unknown) => {
        // It has come, or gone, since.
        const isPassing = isMaking || seen !== undefined;
        if (!isPassing || !isKind(error, isMaking ? "EXISTS" : "NO_SUCH_PATH")) throw error;
      });
      if (file === undefined) continue;
      let isTaken = false;
      try {
        isTaken = isMaking || (seen !== undefined && isSameThing(seen, await file.facts()));
        if (isTaken && (flags & O_TRUNC) !== 0) await file.truncate(0);
      } catch (error) {
        await file.close();
        throw error;
      }
      if (isTaken) return file;
      await file.close();
    }
    throw errorOfSystem(Object.assign(new Error("ELOOP"), { code: "ELOOP" }));
  }

  /** Fills `into` from `position`; fewer bytes only at the end of the file. */
  async read(into: Uint8Array, position: number): Promise<number> {
    checkSize(position, "position");
    let filled = 0;
    while (filled < into.byteLength) {
      const count = await this.#readSome(into, filled, position + filled);
      if (count === 0) break;
      filled += count;
    }
    return filled;
  }

  /** Whether there is content at `position`, on the calling thread: for the end of what was just read. */
  hasContentAt(position: number): boolean {
    try {
      return fs.readSync(this.fd, new Uint8Array(1), 0, 1, checkSize(position, "position")) > 0;
    } catch (error) {
      throw errorOfSystem(error);
    }
  }

  /** Writes all of the pieces, one behind the other, from `position` on. */
  async write(pieces: readonly Uint8Array[], position: number): Promise<void> {
    checkSize(position, "position");
    let offset = position;
    let rest = pieces;
    while (rest.length > 0) {
      const count = await this.#writeSome(rest, offset);
      offset += count;
      const left = dropFront(rest, count);
      // Or a disk that takes nothing and says nothing would keep us here for ever.
      if (count === 0 && left.length > 0)
        throw new FtpxError("IO_FAILED", { reason: "no progress" });
      rest = left;
    }
  }

  /** Content, and what is needed to find it again, is on the disk. A failure is final: never sync again. */
  sync(): Promise<void> {
    return new Promise((resolve, reject) => {
      // Windows syncs only for those who may write; they have done so when they were done.
      const refuse = (error: unknown) =>
        process.platform === "win32" && isKind(error, "NO_PERMISSION") ? resolve() : reject(error);
      fs.fsync(this.fd, settle(resolve, refuse));
    });
  }

  /** As `sync`, without times and modes. */
  syncData(): Promise<void> {
    return new Promise((resolve, reject) => fs.fdatasync(this.fd, settle(resolve, reject)));
  }

  async truncate(bytes: number): Promise<void> {
    checkSize(bytes, "length");
    await new Promise<void>((resolve, reject) => {
      fs.ftruncate(this.fd, bytes, settle(resolve, reject));
    });
  }

  async setModified(modifiedMs: number): Promise<void> {
    // As a Date: Bun takes a number for seconds, and their binary fraction ends up a
    // millisecond early for every second time.
    const time = new Date(Math.min(checkSize(modifiedMs, "time"), DATE_MS_MAX));
    await new Promise<void>((resolve, reject) => {
      fs.futimes(this.fd, time, time, settle(resolve, reject));
    });
  }

  /** On the calling thread: what an open file is, is in memory, and no trip to the pool is as short. */
  async facts(): Promise<FileFacts> {
    try {
      return factsOf(fs.fstatSync(this.fd, { bigint: true }));
    } catch (error) {
      throw errorOfSystem(error);
    }
  }

  /** May be called again; only the first call closes. */
  close(): Promise<void> {
    if (!this.#isOpen) return Promise.resolve();
    this.#isOpen = false;
    return new Promise((resolve, reject) => fs.close(this.fd, settle(resolve, reject)));
  }

  /**
   * As `close`, on the calling thread: for what still has a name. The last close of anything else
   * frees all of its blocks, and whoever calls waits for that.
   */
  closeNow(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    fs.closeSync(this.fd);
  }

  /** As `close`, at once when so many bytes at most would be freed by it. */
  async closeOf(bytes: number): Promise<void> {
    if (bytes <= FREED_AT_ONCE_BYTES_MAX) this.closeNow();
    else await this.close();
  }

  #readSome(into: Uint8Array, filled: number, position: number): Promise<number> {
    const length = into.byteLength - filled;
    return new Promise((resolve, reject) => {
      fs.read(this.fd, into, filled, length, position, settle(resolve, reject));
    });
  }

  #writeSome(pieces: readonly Uint8Array[], position: number): Promise<number> {
    return new Promise((resolve, reject) => {
      fs.writev(this.fd, pieces as Uint8Array[], position, settle(resolve, reject));
    });
  }
}

/** What stands at a path itself; nothing where nothing does. @throws FtpxError */
async function findFacts(path: string | Buffer): Promise<FileFacts | undefined> {
  try {
    return factsOf(await fs.promises.lstat(path, { bigint: true }));
  } catch (error) {
    const failure = errorOfSystem(error);
    if (isKind(failure, "NO_SUCH_PATH")) return undefined;
    throw failure;
  }
}

/** Without a version, which costs as much again as asking the system. */
export function outlineOf(stats: fs.BigIntStats): Outline {
  const kind = kindOf(stats);
  const bytes = kind === "file" ? Number(stats.size) : 0;
  return { kind, bytes, modifiedMs: Math.max(0, Number(stats.mtimeMs)) };
}

/** Whether two looks saw one file or directory, whatever its name was. */
export function isSameThing(a: FileFacts, b: FileFacts): boolean {
  return a.inode === b.inode && a.device === b.device;
}

export function factsOf(stats: fs.BigIntStats): FileFacts {
  return {
    ...outlineOf(stats),
    version: joinNumbers(stats.ino, stats.size, stats.mtimeNs, stats.ctimeNs),
    content: joinNumbers(stats.ino, stats.size, stats.mtimeNs),
    changedMs: Number(stats.ctimeMs),
    inode: stats.ino,
    device: stats.dev,
  };
}

function joinNumbers(...numbers: readonly bigint[]): string {
  return numbers.map((number) => number.toString(36)).join(".");
}

function kindOf(stats: fs.BigIntStats): FileFacts["kind"] {
  if (stats.isFile()) return "file";
  if (stats.isDirectory()) return "directory";
  return stats.isSymbolicLink() ? "link" : "other";
}

/** A node callback that settles a promise and names the failure in our terms. */
function settle<Value>(resolve: (value: Value) => void, reject: (error: unknown) => void) {
  return (error: unknown, value?: Value): void => {
    // Void calls pass no value at all.
    if (error) reject(errorOfSystem(error));
    else resolve(value as Value);
  };
}

function dropFront(pieces: readonly Uint8Array[], count: number): Uint8Array[] {
  let dropped = count;
  const rest: Uint8Array[] = [];
  for (const piece of pieces) {
    if (dropped >= piece.byteLength) dropped -= piece.byteLength;
    else rest.push(dropped === 0 ? piece : piece.subarray(dropped));
    if (rest.length > 0) dropped = 0;
  }
  return rest;
}
