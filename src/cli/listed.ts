/**
 * A directory of the server as completion knows it: names as far as they have come, in the
 * order in which servers list them, by their bytes. So what begins with `b` is known whole
 * as soon as there is a name behind all of those, also when the directory has 100,000.
 */
import { encodeText } from "../base/bytes.ts";
import { nameBytes } from "../base/path.ts";
import type { VirtualPath } from "../base/path.ts";
import type { Client } from "../client/client.ts";
import { isLeaf } from "../client/leaf.ts";
import { pagesOf } from "./verbs/entries.ts";

/** What a word may become; a directory is not the end of it. */
export interface Candidate {
  readonly text: string;
  readonly isOpen: boolean;
}

export class Listed {
  readonly #candidates: Candidate[] = [];
  #last: Uint8Array = new Uint8Array(0);
  #endMs = Number.POSITIVE_INFINITY;
  #hasFailed = false;
  #grown = Promise.withResolvers<void>();

  constructor(client: Promise<Client>, path: VirtualPath) {
    this.#read(client, path).catch(() => (this.#hasFailed = true));
  }

  /** Whether it is too old to be believed, or never came; one that still comes is not old. */
  isStale(ageMs: number): boolean {
    return this.#hasFailed || performance.now() - this.#endMs > ageMs;
  }

  /** What there is, as soon as all that begins with `start` has come; nothing when that takes longer. */
  async candidates(start: string, waitMs: number): Promise<readonly Candidate[]> {
    let isLate = false;
    const late = Bun.sleep(waitMs).then(() => (isLate = true));
    while (!this.#isKnown(start)) {
      if (isLate || this.#hasFailed) return [];
      await Promise.race([this.#grown.promise, late]);
    }
    return this.#candidates;
  }

  async #read(client: Promise<Client>, path: VirtualPath): Promise<void> {
    try {
      for await (const page of pagesOf(await client, path)) {
        const usable = page.filter(({ name }) => isLeaf(name));
        for (const { name, kind } of usable) {
          this.#candidates.push({ text: name, isOpen: kind === "directory" });
        }
        const last = page.at(-1);
        if (last !== undefined) this.#last = nameBytes(last.name);
        this.#wake();
      }
      this.#endMs = performance.now();
    } finally {
      this.#wake();
    }
  }

  #wake(): void {
    this.#grown.resolve();
    this.#grown = Promise.withResolvers<void>();
  }

  #isKnown(start: string): boolean {
    if (this.#endMs !== Number.POSITIVE_INFINITY) return true;
    // One accent can be written in two ways, which are not neighbours.
    if (start === "" || !isAscii(start)) return false;
    const bytes = encodeText(start);
    return Buffer.compare(this.#last.subarray(0, bytes.byteLength), bytes) > 0;
  }
}

/** Whether each character is written in one way only. */
export function isAscii(text: string): boolean {
  // oxlint-disable-next-line no-control-regex -- all of ASCII is meant
  return /^[\u0000-\u007f]*$/.test(text);
}
