/**
 * The life of an unfinished download, from its file beside the destination (partnames.ts) to the
 * rename. What is held of it is what its log says (partlog.ts) and the file has: after a reboot
 * nobody knows what the disk kept, so then every chunk is digested again; else the last one is
 * enough.
 */
import { constants } from "node:fs";
import { rm } from "node:fs/promises";
import { dirname } from "node:path";
import { isSameBytes } from "../base/bytes.ts";
import type { Algorithm } from "../base/digest.ts";
import { syncDirectory } from "../base/directories.ts";
import { FtpxError, isKind } from "../base/errors.ts";
import { OpenFile } from "../base/openfile.ts";
import { CHUNK_BYTES } from "../base/limits.ts";
import { systemPath } from "../base/path.ts";
import { renamePatiently } from "../base/renaming.ts";
import { countEqualChunks, digestChunk, findNow } from "./copy.ts";
import { addToPartLog, beginPartLog, readPartLog } from "./partlog.ts";
import type { PartLog, PartOrigin } from "./partlog.ts";
import { logPathOf, partPathOf } from "./partnames.ts";

const { O_CREAT, O_EXCL, O_RDWR } = constants;

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
    log: PartLog | undefined,
  ) {
    this.file = file;
    this.isNew = isNew;
    this.#partPath = paths.part;
    this.#destination = paths.destination;
    this.#mayHaveLog = !isNew;
    this.#origin = log?.origin;
    this.#digests = log?.digests ?? [];
  }

  static async open(destination: string, signal: AbortSignal): Promise<DownloadPart> {
    const part = partPathOf(destination);
    const made = await openOrMake(part);
    const { file, isNew } = made;
    try {
      if (isNew) return new DownloadPart(made, { part, destination }, undefined);
      const log = await readPartLog(logPathOf(part));
      const opened = new DownloadPart(made, { part, destination }, log);
      await opened.#verify(log?.isOfThisBoot === true, signal);
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
    if (this.#origin === undefined || this.#isUnsafe) return 0;
    const { bytes } = await this.file.facts();
    const held = this.#digests.length * CHUNK_BYTES;
    return Math.min(bytes, held + CHUNK_BYTES - 1);
  }

  /** Keeps the first chunks as being of another origin, and drops the rest. */
  async restart(origin: PartOrigin, chunkCount: number, fromOffset: number): Promise<void> {
    this.#origin = origin;
    this.#digests = this.#digests.slice(0, chunkCount);
    await this.file.truncate(fromOffset);
    this.#mayHaveLog = true;
    await beginPartLog(this.#logPath, origin, this.#digests);
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
    await addToPartLog(this.#logPath, digests);
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
