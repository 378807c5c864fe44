/**
 * Looks into folders all the while: a file that is to be seen there must at any moment be
 * one whole version that was named for its path before. Each version is digested once.
 */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Campaign } from "./campaign.ts";
import { sha256Hex } from "./invariant.ts";
import { repeat } from "./rounds-peers.ts";

const LOOK_EVERY_MS = 20;

/** Unfinished downloads beside their destinations. */
const PART = /(?:^|\/)\.[^/]*\.ftpx-part(?:\.log)?$/;

export class Watcher {
  seenCount = 0;
  readonly #campaign: Campaign;
  readonly #folders: readonly string[];
  readonly #allowed = new Map<string, Set<string>>();
  readonly #seen = new Map<string, string>();
  readonly #looking: { stop(): Promise<void> };

  constructor(campaign: Campaign, folders: readonly string[]) {
    this.#campaign = campaign;
    this.#folders = folders;
    this.#looking = repeat(async () => {
      this.look();
      await Bun.sleep(LOOK_EVERY_MS);
    });
  }

  /** From here on this content may stand there too. */
  allow(file: string, sha256: string): void {
    const allowed = this.#allowed.get(file) ?? new Set();
    this.#allowed.set(file, allowed.add(sha256));
  }

  /** What stands there now must, from here on, be this. */
  allowOnly(file: string, sha256: string): void {
    this.#allowed.set(file, new Set([sha256]));
    this.#seen.delete(file);
  }

  look(): void {
    for (const folder of this.#folders) {
      const names = namesBelow(folder).filter((name) => !PART.test(name));
      for (const name of names) this.#lookAt(join(folder, name));
    }
  }

  async stop(): Promise<void> {
    await this.#looking.stop();
    this.look();
  }

  #lookAt(file: string): void {
    const stats = statSync(file, { throwIfNoEntry: false, bigint: true });
    if (stats === undefined || !stats.isFile()) return;
    const version = `${stats.ino}.${stats.size}.${stats.mtimeNs}.${stats.ctimeNs}`;
    if (this.#seen.get(file) === version) return;
    this.#seen.set(file, version);
    this.seenCount += 1;
    const bytes = bytesOf(file);
    if (bytes === undefined) return;
    const found = sha256Hex(bytes);
    if (this.#allowed.get(file)?.has(found) === true) return;
    this.#campaign.fail(`${file} is to be seen with ${stats.size} bytes that nobody sent`);
  }
}

/** Nothing of a folder that goes while it is read: the next look sees what is left. */
function namesBelow(folder: string): string[] {
  try {
    return readdirSync(folder, { recursive: true, encoding: "utf8" });
  } catch (error) {
    if ((error as { code?: string }).code === "ENOENT") return [];
    throw error;
  }
}

function bytesOf(file: string): Uint8Array | undefined {
  try {
    return readFileSync(file);
  } catch (error) {
    if ((error as { code?: string }).code === "ENOENT") return undefined;
    throw error;
  }
}
