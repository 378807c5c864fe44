/**
 * The names in a directory: many of them, small, and sorted without holding anybody up.
 *
 * All names are read at once, since readdir gives them in no other way, and kept as
 * strings of many: 200,000 of them take 7 MB instead of 28. Such a string has one
 * character a byte, so its order is that of the bytes. Asking Bun 1.4.5 for Buffers
 * instead stops the event loop for 120 ms.
 */
import fs from "node:fs";
import { settled } from "./location.ts";
import type { Directory } from "./location.ts";

/** Not in a name, so it can stand between two. */
const BETWEEN = "/";

/** Sorted in one go: under a millisecond, and others have their turn before the next so many. */
const RUN_NAMES = 4096;

/** Names, taken from the front. */
export class Names {
  readonly #packed: string;
  #offset = 0;

  /** @param names one character a byte */
  constructor(names: readonly string[]) {
    this.#packed = names.join(BETWEEN);
  }

  static of(names: readonly Uint8Array[]): Names {
    return new Names(names.map((name) => Buffer.from(name).toString("latin1")));
  }

  /** All that is in a directory now, as it comes. */
  static async read(directory: Directory): Promise<Names> {
    return new Names(await namesIn(directory));
  }

  get heldBytes(): number {
    return this.#packed.length;
  }

  /** At most `countMax` names; none at the end. */
  take(countMax: number): Uint8Array[] {
    const names: Uint8Array[] = [];
    while (names.length < countMax) {
      const name = this.next();
      if (name === undefined) break;
      names.push(Buffer.from(name, "latin1"));
    }
    return names;
  }

  /** One character a byte; nothing at the end. */
  next(): string | undefined {
    if (this.#offset >= this.#packed.length) return undefined;
    const found = this.#packed.indexOf(BETWEEN, this.#offset);
    const end = found === -1 ? this.#packed.length : found;
    const name = this.#packed.slice(this.#offset, end);
    this.#offset = end + BETWEEN.length;
    return name;
  }
}

/** A part of the names, in order, and the one that is next. */
interface Run {
  readonly names: Names;
  head: string | undefined;
}

/**
 * The same, taken in the order of their bytes. Sorted are only runs of them, one a turn of
 * the event loop; the runs are merged as names are taken.
 */
export class SortedNames {
  readonly #runs: readonly Run[];

  private constructor(runs: readonly Run[]) {
    this.#runs = runs;
  }

  static async read(directory: Directory): Promise<SortedNames> {
    return await SortedNames.of(await namesIn(directory));
  }

  /** @param names one character a byte */
  static async of(names: readonly string[], runNames = RUN_NAMES): Promise<SortedNames> {
    const runs: Run[] = [];
    for (let first = 0; first < names.length; first += runNames) {
      if (first > 0) await new Promise((resolve) => setImmediate(resolve));
      // By UTF-16 code units unless told otherwise, and here each of them is a byte.
      const run = new Names(names.slice(first, first + runNames).toSorted());
      runs.push({ names: run, head: run.next() });
    }
    return new SortedNames(runs);
  }

  get heldBytes(): number {
    return this.#runs.reduce((bytes, { names }) => bytes + names.heldBytes, 0);
  }

  /** At most `countMax` names; none at the end. */
  take(countMax: number): Uint8Array[] {
    const names: Uint8Array[] = [];
    while (names.length < countMax) {
      const run = this.#least();
      if (run?.head === undefined) break;
      names.push(Buffer.from(run.head, "latin1"));
      run.head = run.names.next();
    }
    return names;
  }

  /** Looked for in all of them: a million names are 250 runs. */
  #least(): Run | undefined {
    let least: Run | undefined;
    for (const run of this.#runs) {
      if (run.head === undefined) continue;
      if (least?.head === undefined || run.head < least.head) least = run;
    }
    return least;
  }
}

async function namesIn(directory: Directory): Promise<string[]> {
  return await settled(fs.promises.readdir(directory.path, { encoding: "latin1" }));
}
