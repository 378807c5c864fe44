/**
 * Open directories, and places in them.
 *
 * Whatever is done in a home is done by an open directory and one name in it. On
 * Linux the path of an open directory is `/proc/self/fd/N`: however names are moved
 * or swapped meanwhile, it means the directory that was opened. Without /proc it is
 * the real path; what is opened is then compared with what was checked just before,
 * and a swap between the two that fits both is not seen (SECURITY.md names that race).
 *
 * Names are bytes here. A name is never followed when it is a link.
 */
import fs from "node:fs";
import { dirname } from "node:path";
import { FtpxError, errorOfSystem } from "../base/errors.ts";
import type { ErrorKind } from "../base/errors.ts";
import { isSameThing, NO_LINK, OpenFile, factsOf } from "../base/openfile.ts";
import type { FileFacts } from "../base/openfile.ts";
import { mayUse } from "../base/ways.ts";

const PROC = "/proc/self/fd";

/** Whether open directories can be named by their descriptors. */
export const HAS_PROC =
  mayUse("descriptor-paths") && process.platform === "linux" && fs.existsSync(PROC);

const { O_NOCTTY, O_NONBLOCK, O_RDONLY } = fs.constants;

/** Opens nothing but a directory. */
const DIRECTORY_ONLY = mayUse("directory-flag") ? fs.constants.O_DIRECTORY : 0;

/** Whether an open can refuse links and files by itself; else somebody looks before and after. */
const HAS_FLAGS = NO_LINK !== 0 && DIRECTORY_ONLY !== 0;

/**
 * Nothing is waited for: a FIFO without a writer would hold a thread for ever. What a system has
 * no flag for, Windows for both, adds no bit.
 */
export const READ_FLAGS = O_RDONLY | O_NONBLOCK | O_NOCTTY;

const SLASH = Buffer.from("/");
const SELF = Buffer.from(".");
const ABOVE = Buffer.from("..");

/** An open directory. Whoever opened it closes it, at the latest by `using`. */
export class Directory {
  readonly #path: Buffer;
  readonly #isAnchored: boolean;
  readonly #file: OpenFile;
  #isOpen = true;

  constructor(file: OpenFile, path: Buffer | undefined) {
    this.#path = path ?? Buffer.from(`${PROC}/${file.fd}`);
    this.#isAnchored = path === undefined;
    this.#file = file;
  }

  /**
   * Opens a directory that the operator named, links in its path included.
   *
   * @param isAnchored false: by real paths, although there is a /proc
   */
  static async open(path: string, isAnchored = HAS_PROC): Promise<Directory> {
    const real = Buffer.from(await settled(fs.promises.realpath(path)));
    return new Directory(await openFound(real, true), isAnchored ? undefined : real);
  }

  /** Not of a closed one: its number soon is another directory's, perhaps another user's. */
  get fd(): number {
    this.#demandOpen();
    return this.#file.fd;
  }

  /** Means this directory for as long as it is open, and something else afterwards. */
  get path(): Buffer {
    this.#demandOpen();
    return this.#path;
  }

  /** The path of the entry `name`. */
  at(name: Uint8Array): Buffer {
    return Buffer.concat([this.path, SLASH, name]);
  }

  /** @throws FtpxError NO_SUCH_PATH, NOT_A_DIRECTORY, OUTSIDE_HOME when it is a link */
  async openChild(name: Uint8Array): Promise<Directory> {
    const file = await this.openEntry(name, true);
    return new Directory(file, this.#isAnchored ? undefined : this.at(name));
  }

  /** This directory once more, to be closed on its own. */
  async reopen(): Promise<Directory> {
    const file = await this.openEntry(SELF, true);
    return new Directory(file, this.#isAnchored ? undefined : this.path);
  }

  /** What `..` is now; whether that is where we came from is for the caller to compare. */
  async openAbove(): Promise<Directory> {
    if (this.#isAnchored) return await this.openChild(ABOVE);
    const path = Buffer.from(dirname(this.path.toString("latin1")), "latin1");
    const file = await openFound(path, true);
    return new Directory(file, path);
  }

  /**
   * Opens an entry of any kind for reading, never through a link and never waiting.
   *
   * @throws FtpxError NO_SUCH_PATH, NOT_A_FILE, NOT_A_DIRECTORY when it is to be one, OUTSIDE_HOME
   *   when it is a link
   */
  async openEntry(name: Uint8Array, isDirectory = false): Promise<OpenFile> {
    const path = this.at(name);
    if (!this.#isAnchored || !HAS_FLAGS) return await openFound(path, isDirectory);
    try {
      return await OpenFile.open(path, READ_FLAGS | NO_LINK | (isDirectory ? DIRECTORY_ONLY : 0));
    } catch (error) {
      // With O_DIRECTORY Linux answers ENOTDIR for a link, as for a file.
      const isLink = codeOf(error) === "ENOTDIR" && (await statsAt(path)).isSymbolicLink();
      throw isLink ? new FtpxError("OUTSIDE_HOME", {}, { cause: error }) : refusalOf(error);
    }
  }

  facts(): Promise<FileFacts> {
    return this.#file.facts();
  }

  /** What was created, renamed and removed in it is on the disk, where the system syncs directories. */
  async sync(): Promise<void> {
    if (mayUse("directory-sync")) await this.#file.sync();
  }

  /** Only the first call closes. At once, because close(2) of a directory never waits. */
  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    fs.closeSync(this.#file.fd);
  }

  #demandOpen(): void {
    if (!this.#isOpen) throw new Error("a directory is used after it was closed");
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** One name in an open directory; there need not be anything. `using` closes the directory. */
export class Location {
  readonly directory: Directory;
  readonly name: Uint8Array;

  constructor(directory: Directory, name: Uint8Array) {
    this.directory = directory;
    this.name = name;
  }

  get path(): Buffer {
    return this.directory.at(this.name);
  }

  /** What is here, links not followed. @throws FtpxError NO_SUCH_PATH */
  stats(): Promise<fs.BigIntStats> {
    return statsAt(this.path);
  }

  /**
   * As `stats`, on the calling thread: for a name that was looked up a moment ago. What is known
   * of it is in memory, and a trip to the pool costs ten times as much.
   */
  statsNow(): fs.BigIntStats {
    const stats = this.findNow();
    if (stats === undefined) throw new FtpxError("NO_SUCH_PATH");
    return stats;
  }

  /** As `statsNow`; undefined when nothing is here. */
  findNow(): fs.BigIntStats | undefined {
    try {
      return fs.lstatSync(this.path, { bigint: true, throwIfNoEntry: false });
    } catch (error) {
      throw errorOfSystem(error);
    }
  }

  /** As `stats`; undefined when nothing is here. */
  async find(): Promise<fs.BigIntStats | undefined> {
    try {
      return await fs.promises.lstat(this.path, { bigint: true });
    } catch (error) {
      if (codeOf(error) === "ENOENT") return undefined;
      throw errorOfSystem(error);
    }
  }

  [Symbol.dispose](): void {
    this.directory.close();
  }
}

/** Hands a regular file on and closes anything else. @throws FtpxError IS_A_DIRECTORY, NOT_A_FILE */
export async function regularOnly(file: OpenFile): Promise<OpenFile> {
  try {
    const { kind } = await file.facts();
    if (kind === "file") return file;
    throw new FtpxError(kind === "directory" ? "IS_A_DIRECTORY" : "NOT_A_FILE");
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** What a failed open says in our terms: a link that was not followed leads out of the home. */
export function refusalOf(error: unknown): unknown {
  const kind = KIND_OF_OPEN_ERRNO.get(codeOf(error) ?? "");
  return kind === undefined ? errorOfSystem(error) : new FtpxError(kind, {}, { cause: error });
}

const KIND_OF_OPEN_ERRNO = new Map<string, ErrorKind>([
  ["ELOOP", "OUTSIDE_HOME"],
  ["EXDEV", "OUTSIDE_HOME"],
  ["ENODEV", "NOT_A_FILE"],
  ["EOPNOTSUPP", "NOT_A_FILE"], // a socket, on macOS
]);

/** The result of a system call, its failure in our terms. */
export async function settled<Value>(call: Promise<Value>): Promise<Value> {
  try {
    return await call;
  } catch (error) {
    throw errorOfSystem(error);
  }
}

function statsAt(path: Buffer): Promise<fs.BigIntStats> {
  return settled(fs.promises.lstat(path, { bigint: true }));
}

/** Looks, opens, and looks whether that is what was opened. */
async function openFound(path: Buffer, isDirectory: boolean): Promise<OpenFile> {
  const seen = factsOf(await statsAt(path));
  if (seen.kind === "link") throw new FtpxError("OUTSIDE_HOME");
  if (isDirectory && seen.kind !== "directory") throw new FtpxError("NOT_A_DIRECTORY");
  const flags = READ_FLAGS | NO_LINK | (isDirectory ? DIRECTORY_ONLY : 0);
  const file = await OpenFile.open(path, flags);
  try {
    if (isSameThing(seen, await file.facts())) return file;
    throw new FtpxError("OUTSIDE_HOME");
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** The errno's name, also of a failure that base/openfile.ts has named already. */
function codeOf(error: unknown): string | undefined {
  const raw = error instanceof FtpxError ? error.cause : error;
  return (raw as { code?: string } | null | undefined)?.code;
}
