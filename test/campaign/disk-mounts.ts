/**
 * Small file systems of our own: tmpfs, tmpfs with few inodes, ext4 on a loop device. They
 * need root; where one cannot be had, its reason is told instead.
 *
 * Whatever is mounted is unmounted when the process ends, whichever way; what still runs on
 * it keeps it until then.
 */
import { statfsSync } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { atExit } from "./rounds-ending.ts";

const MIB = 1024 * 1024;

export interface DiskKind {
  readonly name: "tmpfs" | "ext4" | "inodes";
  /** What runs out on it. */
  readonly scarce: "bytes" | "inodes";
}

export const DISK_KINDS: readonly DiskKind[] = [
  { name: "tmpfs", scarce: "bytes" },
  { name: "ext4", scarce: "bytes" },
  { name: "inodes", scarce: "inodes" },
];

const DISK_BYTES = 24 * MIB;
const INODES = 400;

export class SmallDisk {
  readonly kind: DiskKind;
  readonly folder: string;

  readonly #forget = atExit(() => this.unmount());
  #isMounted = true;

  private constructor(kind: DiskKind, folder: string) {
    this.kind = kind;
    this.folder = folder;
  }

  /** @returns the mounted disk, or why there is none */
  static async mount(kind: DiskKind, folder: string): Promise<SmallDisk | string> {
    if (process.platform !== "linux") return "not Linux";
    if (process.getuid?.() !== 0) return "not root";
    await mkdir(folder, { recursive: true });
    const failed =
      kind.name === "ext4" ? await mountImage(`${folder}.image`, folder) : mountTmpfs(kind, folder);
    if (failed !== undefined) return failed;
    return new SmallDisk(kind, folder);
  }

  /** Room as anybody has it. */
  get freeBytes(): number {
    const { bavail, bsize } = statfsSync(this.folder);
    return bavail * bsize;
  }

  get freeInodes(): number {
    return statfsSync(this.folder).ffree;
  }

  /** Lazily: a server that is still ending does not keep the place. */
  unmount(): void {
    if (!this.#isMounted) return;
    this.#isMounted = false;
    this.#forget();
    Bun.spawnSync(["umount", "-l", this.folder]);
  }
}

function mountTmpfs({ scarce }: DiskKind, folder: string): string | undefined {
  const inodes = scarce === "inodes" ? `,nr_inodes=${INODES}` : "";
  return failureOf("mount", "-t", "tmpfs", "-o", `size=${DISK_BYTES}${inodes}`, "tmpfs", folder);
}

async function mountImage(image: string, folder: string): Promise<string | undefined> {
  const failed =
    failureOf("truncate", "-s", String(DISK_BYTES), image) ??
    // Nothing is kept back for root, or the disk would be full for others only.
    failureOf("mkfs.ext4", "-q", "-F", "-m", "0", image) ??
    failureOf("mount", "-o", "loop", image, folder);
  if (failed !== undefined) await rm(image, { force: true });
  return failed;
}

function failureOf(...words: readonly [string, ...string[]]): string | undefined {
  try {
    const { exitCode, stderr } = Bun.spawnSync([...words], { stderr: "pipe" });
    return exitCode === 0 ? undefined : `${words[0]}: ${stderr.toString().trim()}`;
  } catch (error) {
    return `${words[0]}: ${String(error)}`;
  }
}
