/**
 * What takes the room on a small disk: a file that grows to leave so many bytes, or as many
 * empty files as it takes to leave so many inodes, down to the last one of either.
 */
import { closeSync, mkdirSync, openSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { SmallDisk } from "./disk-mounts.ts";

const BLOCK = new Uint8Array(64 * 1024);

export class Ballast {
  readonly #disk: SmallDisk;
  readonly #folder: string;
  #count = 0;

  constructor(disk: SmallDisk) {
    this.#disk = disk;
    this.#folder = join(disk.folder, "ballast");
    mkdirSync(this.#folder);
  }

  /** Leaves so much room of what is scarce. */
  leave(room: number): void {
    const isBytes = this.#disk.kind.scarce === "bytes";
    if (isBytes) this.#grow(() => this.#disk.freeBytes - room);
    else while (this.#disk.freeInodes > room && this.#add());
  }

  /** Leaves nothing at all. */
  brim(): void {
    if (this.#disk.kind.scarce === "bytes") this.#grow(() => Number.POSITIVE_INFINITY);
    else while (this.#add());
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
    mkdirSync(this.#folder);
  }

  /** Whether one more file could be made. */
  #add(): boolean {
    try {
      this.#count += 1;
      closeSync(openSync(join(this.#folder, `empty-${this.#count}`), "wx"));
      return true;
    } catch (error) {
      if (isFull(error)) return false;
      throw error;
    }
  }

  /** In ever smaller steps, until the disk takes not one byte more. */
  #grow(wantedBytes: () => number): void {
    const fd = openGrowing(join(this.#folder, "bytes"));
    if (fd === undefined) return;
    try {
      for (let stepBytes = BLOCK.byteLength; stepBytes >= 1;) {
        const bytes = Math.min(stepBytes, wantedBytes());
        if (bytes <= 0) return;
        if (!write(fd, bytes)) stepBytes = Math.floor(stepBytes / 4);
      }
    } finally {
      closeSync(fd);
    }
  }
}

/** Nothing where not even the file can be made. */
function openGrowing(path: string): number | undefined {
  try {
    return openSync(path, "a");
  } catch (error) {
    if (isFull(error)) return undefined;
    throw error;
  }
}

/** Whether the disk took any of it. */
function write(fd: number, bytes: number): boolean {
  try {
    return writeSync(fd, BLOCK, 0, bytes) > 0;
  } catch (error) {
    if (isFull(error)) return false;
    throw error;
  }
}

function isFull(error: unknown): boolean {
  return (error as { code?: string }).code === "ENOSPC";
}
