/**
 * Reads directories in pages.
 *
 * All names are read at once, since readdir gives them in no other way, and kept as
 * one string: 200,000 of them take 7 MB instead of 28, and entries are looked at only
 * as their page is asked for. The string has one character a byte. Asking Bun 1.4.5
 * for Buffers instead stops the event loop for 120 ms.
 */
import fs from "node:fs";
import { factsOf } from "../base/openfile.ts";
import { nameText } from "../base/path.ts";
import { Location, settled } from "./location.ts";
import type { Directory } from "./location.ts";
import type { Entry, Listing } from "./store.ts";

/** Entries looked at together; what other sessions ask of the disk waits no longer than that. */
export const LOOKS_AT_ONCE = 128;

/** Not in a name, so it can stand between two. */
const BETWEEN = "/";

/** Many names, taken from the front. */
export class Names {
  readonly #packed: string;
  #offset = 0;

  private constructor(names: readonly string[]) {
    this.#packed = names.join(BETWEEN);
  }

  static of(names: readonly Uint8Array[]): Names {
    return new Names(names.map((name) => Buffer.from(name).toString("latin1")));
  }

  /** All that is in a directory now. */
  static async read(directory: Directory): Promise<Names> {
    return new Names(await settled(fs.promises.readdir(directory.path, { encoding: "latin1" })));
  }

  /** At most `countMax` names; none at the end. */
  take(countMax: number): Uint8Array[] {
    const names: Uint8Array[] = [];
    while (names.length < countMax && this.#offset < this.#packed.length) {
      const found = this.#packed.indexOf(BETWEEN, this.#offset);
      const end = found === -1 ? this.#packed.length : found;
      names.push(Buffer.from(this.#packed.slice(this.#offset, end), "latin1"));
      this.#offset = end + BETWEEN.length;
    }
    return names;
  }
}

export class DirectoryListing implements Listing {
  readonly #directory: Directory;
  readonly #names: Names;
  #page: Promise<unknown> = Promise.resolve();

  private constructor(directory: Directory, names: Names) {
    this.#directory = directory;
    this.#names = names;
  }

  /** Takes the directory over. */
  static async open(directory: Directory): Promise<DirectoryListing> {
    try {
      return new DirectoryListing(directory, await Names.read(directory));
    } catch (error) {
      directory.close();
      throw error;
    }
  }

  next(entriesMax: number): Promise<Entry[]> {
    const page = this.#next(entriesMax);
    this.#page = page;
    return page;
  }

  /** Waits for a page under way: its descriptor would else be another session's soon. */
  async close(): Promise<void> {
    await Promise.allSettled([this.#page]);
    this.#directory.close();
  }

  async #next(entriesMax: number): Promise<Entry[]> {
    const entries: Entry[] = [];
    while (entries.length < entriesMax) {
      const names = this.#names.take(Math.min(LOOKS_AT_ONCE, entriesMax - entries.length));
      if (names.length === 0) break;
      const found = await Promise.all(names.map((name) => entryAt(this.#directory, name)));
      entries.push(...found.filter((entry) => entry !== undefined));
    }
    return entries;
  }
}

/** Undefined when it has gone since the names were read. */
async function entryAt(directory: Directory, name: Uint8Array): Promise<Entry | undefined> {
  const stats = await new Location(directory, name).find();
  if (stats === undefined) return undefined;
  const { kind, bytes, modifiedMs } = factsOf(stats);
  return { name: nameText(name), kind, bytes: kind === "file" ? bytes : 0, modifiedMs };
}
