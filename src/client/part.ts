/**
 * The unfinished download beside its destination: `.NAME.ftpx-part` holds the content,
 * `.NAME.ftpx-part.log` what is known of it.
 *
 * The log's first line says of which version of which file the part is, each further
 * line is the digest of one whole, proved chunk, written after the chunk. After a
 * reboot nobody knows what the disk kept, so then every chunk is digested again; else
 * the last one is enough.
 */
import { constants } from "node:fs";
import { readFile, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { isSameBytes } from "../base/bytes.ts";
import { isAlgorithm } from "../base/digest.ts";
import type { Algorithm } from "../base/digest.ts";
import { syncDirectory } from "../base/directories.ts";
import { FtpxError, isKind } from "../base/errors.ts";
import { OpenFile } from "../base/openfile.ts";
import { CHUNK_BYTES, NAME_BYTES_MAX } from "../base/limits.ts";
import { nameBytes, systemPath } from "../base/path.ts";
import { renamePatiently } from "../base/renaming.ts";
import { mayUse } from "../base/ways.ts";
import { countEqualChunks, digestChunk, findNow, localFailure } from "./copy.ts";

const { O_APPEND, O_CREAT, O_EXCL, O_RDONLY, O_RDWR, O_TRUNC, O_WRONLY } = constants;

/** Which content the part is of. */
export interface PartOrigin {
  /** The server's fingerprint or name, and the user on it. */
  readonly server: string;
  readonly path: string;
  readonly version: string;
  readonly algorithm: Algorithm;
}

interface LogHead extends PartOrigin {
  readonly boot: string;
}

export class DownloadPart {
  readonly file: OpenFile;
  /** It was made just now, and nothing of an earlier attempt is there, not even a log. */
  readonly isNew: boolean;
  readonly #partPath: string;
  readonly #destination: string;
  #origin: PartOrigin | undefined;
  #digests: Uint8Array[];
  #isChecked = false;
  #mayHaveLog: boolean;
  #isPublished = false;
  /** A sync failed: nobody knows what the disk holds, and no second sync would tell. */
  #isUnsafe = false;

  private constructor(
    { file, isNew }: OpenedPart,
    paths: { part: string; destination: string },
    log: Log | undefined,
  ) {
    this.file = file;
    this.isNew = isNew;
    this.#partPath = paths.part;
    this.#destination = paths.destination;
    this.#mayHaveLog = !isNew;
    this.#origin = log?.head;
    this.#digests = log?.digests ?? [];
  }

  static async open(destination: string, signal: AbortSignal): Promise<DownloadPart> {
    const part = partPathOf(destination);
    const made = await openOrMake(part);
    const { file, isNew } = made;
    try {
      if (isNew) return new DownloadPart(made, { part, destination }, undefined);
      const log = await readLog(logPathOf(part));
      const opened = new DownloadPart(made, { part, destination }, log);
      await opened.#verify(log?.head.boot === (await bootId()), signal);
      return opened;
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** What the part is of; nothing when nothing is held. */
  get origin(): PartOrigin | undefined {
    return this.#origin;
  }

  /** All chunks that are held were read and compared when it was opened. */
  get isChecked(): boolean {
    return this.#isChecked;
  }

  /** Digests of the whole chunks that are held. */
  get digests(): readonly Uint8Array[] {
    return this.#digests;
  }

  /**
   * Content in the part that may go on: held chunks and what came behind them, less than
   * a chunk. A whole one without its digest would let both sides begin at the next chunk,
   * and nobody would prove this one.
   */
  async heldBytes(): Promise<number> {
    const { bytes } = await this.file.facts();
    const held = this.#digests.length * CHUNK_BYTES;
    return this.#origin === undefined || this.#isUnsafe
      ? 0
      : Math.min(bytes, held + CHUNK_BYTES - 1);
  }

  /** Keeps the first chunks as being of another origin, and drops the rest. */
  async restart(origin: PartOrigin, chunkCount: number, fromOffset: number): Promise<void> {
    this.#origin = origin;
    this.#digests = this.#digests.slice(0, chunkCount);
    await this.file.truncate(fromOffset);
    const head: LogHead = { ...origin, boot: await bootId() };
    const lines = [JSON.stringify(head), ...this.#digests.map(hexOf)];
    this.#mayHaveLog = true;
    await writeLog(this.#logPath, O_TRUNC, lines);
  }

  /** Forgets everything. */
  async clear(): Promise<void> {
    this.#origin = undefined;
    this.#digests = [];
    await this.#removeLog();
    await this.file.truncate(0);
  }

  /** Whole, proved chunks that are in the file. */
  async add(digests: readonly Uint8Array[]): Promise<void> {
    this.#digests.push(...digests);
    if (this.#origin === undefined) return;
    await writeLog(this.#logPath, O_APPEND, digests.map(hexOf));
  }

  /** A failure is final: the part is of no use afterwards. */
  async sync(work: () => Promise<void> = () => this.file.syncData()): Promise<void> {
    if (this.#isUnsafe) throw new FtpxError("IO_FAILED", { reason: "an earlier sync failed" });
    try {
      await work();
    } catch (error) {
      this.#isUnsafe = true;
      throw error;
    }
  }

  /** Turns the part into the destination: synced, renamed, directory synced. */
  async publish(modifiedMs: number): Promise<void> {
    await this.file.setModified(modifiedMs);
    await this.sync(() => this.file.sync());
    await renamePatiently(systemPath(this.#partPath), systemPath(this.#destination));
    this.#isPublished = true;
    await syncDirectory(dirname(this.#destination));
    await this.#removeLog();
  }

  async close(): Promise<void> {
    if (this.#isPublished) this.file.closeNow();
    else await this.file.close();
  }

  async remove(): Promise<void> {
    await rm(systemPath(this.#partPath), { force: true });
    await this.#removeLog();
  }

  async #removeLog(): Promise<void> {
    if (this.#mayHaveLog) await rm(systemPath(this.#logPath), { force: true });
  }

  get #logPath(): string {
    return logPathOf(this.#partPath);
  }

  async #verify(isSameBoot: boolean, signal: AbortSignal): Promise<void> {
    const origin = this.#origin;
    if (origin === undefined) return;
    const { bytes } = await this.file.facts();
    this.#digests = this.#digests.slice(0, Math.floor(bytes / CHUNK_BYTES));
    const count = this.#digests.length;
    const { algorithm } = origin;
    if (isSameBoot && count > 0) {
      const isIntact = await this.#isIntact(algorithm, count - 1);
      if (isIntact) return;
    }
    const kept = await countEqualChunks(this.file, algorithm, this.#digests, signal);
    await this.restart(origin, kept, kept * CHUNK_BYTES);
    this.#isChecked = true;
  }

  async #isIntact(algorithm: Algorithm, index: number): Promise<boolean> {
    const found = await digestChunk(this.file, algorithm, index);
    return isSameBytes(found, this.#digests[index] ?? new Uint8Array(0));
  }
}

interface OpenedPart {
  readonly file: OpenFile;
  readonly isNew: boolean;
}

/**
 * Its name is known beforehand, and its directory may be another's too: a link planted there
 * must not lead to a file of this user's, and neither must one for the log.
 */
async function openOrMake(part: string): Promise<OpenedPart> {
  const path = systemPath(part);
  const file = await OpenFile.openUnlinked(path, O_RDWR | O_CREAT | O_EXCL, 0o666).catch(
    (error: unknown) => {
      if (!isKind(error, "EXISTS")) throw error;
    },
  );
  // Looked for at once, in a directory that was just searched: most often there is no log either.
  if (file !== undefined) return { file, isNew: findNow(logPathOf(part)) === undefined };
  // It may go before it is opened.
  return { file: await OpenFile.openUnlinked(path, O_RDWR | O_CREAT, 0o666), isNew: false };
}

/** Beside the destination, so that the rename stays on one file system. */
export function partPathOf(destination: string): string {
  const leaf = basename(destination);
  const name = `.${leaf}.ftpx-part`;
  if (nameBytes(`${name}.log`).byteLength <= NAME_BYTES_MAX)
    return join(dirname(destination), name);
  return join(dirname(destination), `.${shortOf(leaf)}.ftpx-part`);
}

/**
 * Where something waits, on either side, that is to take the place of something of another
 * kind: `.NAME.ftpx-new`, beside it.
 *
 * @param relative names with `/` between them
 */
export function stagedBeside(relative: string): string {
  const above = relative.slice(0, relative.lastIndexOf("/") + 1);
  const leaf = relative.slice(above.length);
  const name = `.${leaf}.ftpx-new`;
  const isShort = nameBytes(name).byteLength <= NAME_BYTES_MAX;
  return above + (isShort ? name : `.${shortOf(leaf)}.ftpx-new`);
}

/** Whether something is called as what we have not finished: a download, its log, a successor. */
export function isPartName(name: string): boolean {
  return /^\..+\.ftpx-(?:part(?:\.log)?|new)$/su.test(name);
}

function shortOf(leaf: string): string {
  return new Bun.CryptoHasher("sha256").update(leaf).digest("hex").slice(0, 32);
}

function logPathOf(part: string): string {
  return `${part}.log`;
}

/** @throws FtpxError LOCAL_IO */
async function writeLog(path: string, how: number, lines: readonly string[]): Promise<void> {
  const text = Buffer.from(lines.map((line) => `${line}\n`).join(""));
  try {
    const log = await OpenFile.openUnlinked(systemPath(path), O_WRONLY | O_CREAT | how, 0o600);
    try {
      await log.write([text], (await log.facts()).bytes);
    } finally {
      await log.close();
    }
  } catch (error) {
    throw localFailure(error, path);
  }
}

interface Log {
  readonly head: LogHead;
  readonly digests: Uint8Array[];
}

async function readLog(path: string): Promise<Log | undefined> {
  const text = await readUnlinked(path).catch(() => "");
  const [first, ...lines] = text.split("\n");
  const head = parseHead(first ?? "");
  if (head === undefined) return undefined;
  const digests: Uint8Array[] = [];
  for (const line of lines) {
    // A line that a crash cut off ends what is known.
    if (!/^(?:[0-9a-f]{32}|[0-9a-f]{64})$/.test(line)) break;
    digests.push(Uint8Array.from(Buffer.from(line, "hex")));
  }
  return { head, digests };
}

async function readUnlinked(path: string): Promise<string> {
  const log = await OpenFile.openUnlinked(systemPath(path), O_RDONLY);
  try {
    const content = Buffer.alloc((await log.facts()).bytes);
    return content.subarray(0, await log.read(content, 0)).toString();
  } finally {
    await log.close();
  }
}

function parseHead(line: string): LogHead | undefined {
  try {
    const head = JSON.parse(line) as Partial<Record<keyof LogHead, unknown>>;
    const { server, path, version, algorithm, boot } = head;
    const fields = [server, path, version, algorithm, boot];
    const isWhole = fields.every((field) => typeof field === "string");
    return isWhole && isAlgorithm(String(algorithm)) ? (head as LogHead) : undefined;
  } catch {
    return undefined;
  }
}

function hexOf(digest: Uint8Array): string {
  return Buffer.from(digest).toString("hex");
}

let boot: Promise<string> | undefined;

/** Changes with every boot of this machine; where nothing tells, no two runs are of one boot. */
function bootId(): Promise<string> {
  boot ??= readBootId();
  return boot;
}

async function readBootId(): Promise<string> {
  if (!mayUse("boot-id")) return crypto.randomUUID();
  const found = await readFile("/proc/sys/kernel/random/boot_id", "utf8").catch(() => "");
  return found.trim() === "" ? crypto.randomUUID() : found.trim();
}
