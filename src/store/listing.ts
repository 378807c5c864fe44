/**
 * Reads directories in pages, in the order of the names' bytes: a reader can show a page
 * before the next one has come. Entries are looked at only as their page is asked for.
 */
import { outlineOf } from "../base/openfile.ts";
import { nameText } from "../base/path.ts";
import { Location } from "./location.ts";
import type { Directory } from "./location.ts";
import { SortedNames } from "./names.ts";
import type { Entry, Listing } from "./store.ts";

/** Entries looked at together; what other sessions ask of the disk waits no longer than that. */
export const LOOKS_AT_ONCE = 128;

export class DirectoryListing implements Listing {
  readonly #directory: Directory;
  readonly #names: SortedNames;
  #page: Promise<unknown> = Promise.resolve();

  private constructor(directory: Directory, names: SortedNames) {
    this.#directory = directory;
    this.#names = names;
  }

  /** Takes the directory over. */
  static async open(directory: Directory): Promise<DirectoryListing> {
    try {
      return new DirectoryListing(directory, await SortedNames.read(directory));
    } catch (error) {
      directory.close();
      throw error;
    }
  }

  get heldBytes(): number {
    return this.#names.heldBytes;
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
  return { name: nameText(name), ...outlineOf(stats) };
}
