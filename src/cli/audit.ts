/**
 * The audit log: a file to which lines are appended, and which others may rotate.
 *
 * The system's tools may rename or remove the file (it is opened anew by its name) or cut it
 * (O_APPEND finds its end). On a disk that takes nothing lines wait, within bounds, and are
 * written when it does again; the service goes on meanwhile, and how many lines were lost is
 * told. Lines come out whole and in order, each once.
 */
import { open, stat } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { errorOfSystem, FtpxError, withPath } from "../base/errors.ts";
import { AUDIT_LOOK_MS, AUDIT_WAITING_BYTES_MAX } from "../base/limits.ts";

export interface AuditWatcher {
  /** Lines wait from here on. */
  failed(failure: unknown): void;
  /** The log is written again. @param lostCount lines that found no room meanwhile */
  resumed(lostCount: number): void;
}

const NEWLINE = 10;
const NEVER = Number.NEGATIVE_INFINITY;
const NOTHING = new Uint8Array(0);

export class AuditLog {
  readonly #path: string;
  readonly #watcher: AuditWatcher;
  #file: FileHandle;
  #lookedMs = performance.now();
  /** Whole lines. */
  #waiting: string[] = [];
  #waitingBytes = 0;
  /** Being written: whole lines, of which the first bytes are in the file. */
  #batch: Uint8Array = NOTHING;
  #writtenBytes = 0;
  /** Of the lines that wait, and of those that are being written. */
  #gathering = Promise.withResolvers<void>();
  #writing = Promise.withResolvers<void>();
  #lostCount = 0;
  #running: Promise<void> | undefined;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #isFailing = false;

  private constructor(path: string, file: FileHandle, watcher: AuditWatcher) {
    this.#path = path;
    this.#file = file;
    this.#watcher = watcher;
  }

  /** @throws FtpxError NO_PERMISSION, … */
  static async open(path: string, watcher: AuditWatcher): Promise<AuditLog> {
    return new AuditLog(path, await openToAppend(path), watcher);
  }

  /** @param line without its line end */
  append(line: string): void {
    const bytes = Buffer.byteLength(line) + 1;
    if (this.#waitingBytes + bytes > AUDIT_WAITING_BYTES_MAX) {
      this.#lostCount += 1;
      return;
    }
    this.#waiting.push(`${line}\n`);
    this.#waitingBytes += bytes;
    if (!this.#isFailing) this.#run();
  }

  /** Resolves when what was appended is with the system, or at once when the disk takes nothing. */
  async written(): Promise<void> {
    if (this.#isFailing) return;
    if (this.#waiting.length > 0) await this.#gathering.promise;
    else if (this.#batch.byteLength > 0) await this.#writing.promise;
  }

  /** The file was renamed: it is made anew now, whether or not there is something to write. */
  reopen(): void {
    this.#lookedMs = NEVER;
    this.#run();
  }

  /** Writes what can be written. */
  async close(): Promise<void> {
    clearTimeout(this.#retry);
    this.#run();
    await this.#running;
    clearTimeout(this.#retry);
    await this.#file.close();
  }

  #run(): void {
    this.#running ??= this.#writeAll();
  }

  async #writeAll(): Promise<void> {
    clearTimeout(this.#retry);
    try {
      do {
        await this.#look();
        this.#fill();
        await this.#write();
        if (this.#isFailing) this.#succeed();
      } while (this.#waiting.length > 0 || this.#lookedMs === NEVER);
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#running = undefined;
    }
  }

  /** Whether the file is still the one that the path names; asked now and then. */
  async #look(): Promise<void> {
    const nowMs = performance.now();
    if (nowMs - this.#lookedMs < AUDIT_LOOK_MS) return;
    this.#lookedMs = nowMs;
    const [named, held] = await Promise.all([
      versionOf(stat(this.#path)),
      versionOf(this.#file.stat()),
    ]);
    if (named === held) return;
    const old = this.#file;
    this.#file = await openToAppend(this.#path);
    await old.close();
    // The old file keeps the beginning of a line; the whole of it goes into the new one.
    const lineEnd = this.#batch.subarray(0, this.#writtenBytes).lastIndexOf(NEWLINE);
    this.#writtenBytes = lineEnd + 1;
  }

  #fill(): void {
    if (this.#writtenBytes < this.#batch.byteLength) return;
    this.#batch = Buffer.from(this.#waiting.join(""));
    this.#waiting = [];
    this.#writing = this.#gathering;
    this.#gathering = Promise.withResolvers();
    this.#writtenBytes = 0;
  }

  async #write(): Promise<void> {
    while (this.#writtenBytes < this.#batch.byteLength) {
      // Without a position, because only then O_APPEND is heeded everywhere.
      const { bytesWritten } = await this.#file.write(this.#batch, this.#writtenBytes);
      if (bytesWritten === 0) throw new FtpxError("IO_FAILED", { reason: "no progress" });
      this.#writtenBytes += bytesWritten;
    }
    this.#waitingBytes -= this.#batch.byteLength;
    this.#batch = NOTHING;
    this.#writtenBytes = 0;
    this.#writing.resolve();
  }

  #fail(error: unknown): void {
    this.#retry = setTimeout(() => this.#run(), AUDIT_LOOK_MS).unref();
    // Nobody waits for a disk that is full.
    this.#writing.resolve();
    this.#gathering.resolve();
    if (this.#isFailing) return;
    this.#isFailing = true;
    this.#watcher.failed(errorOfSystem(error));
  }

  #succeed(): void {
    const lostCount = this.#lostCount;
    this.#isFailing = false;
    this.#lostCount = 0;
    this.#watcher.resumed(lostCount);
  }
}

/** @throws FtpxError */
async function openToAppend(path: string): Promise<FileHandle> {
  try {
    return await open(path, "a", 0o600);
  } catch (error) {
    throw withPath(errorOfSystem(error), path);
  }
}

/** Which file it is; nothing where there is none. */
async function versionOf(looking: Promise<{ dev: number; ino: number }>): Promise<string> {
  try {
    const { dev, ino } = await looking;
    return `${dev}:${ino}`;
  } catch {
    return "";
  }
}
