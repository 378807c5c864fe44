/** Directories that one session reads page by page; the oldest goes when there are too many. */
import { FtpxError } from "../base/errors.ts";
import { LIST_PAGE_ENTRIES_MAX, LISTS_MAX } from "../base/limits.ts";
import type { Entry, Listing } from "../store/store.ts";

export interface Page {
  readonly entries: Entry[];
  /** Asks for the next page; 0 when there is none. */
  readonly cursor: number;
}

export class Listings {
  readonly #open = new Map<number, Listing>();
  #lastCursor = 0;

  /** The first page. */
  async begin(listing: Listing): Promise<Page> {
    const cursor = (this.#lastCursor += 1);
    this.#open.set(cursor, listing);
    const [oldest] = this.#open.keys();
    if (this.#open.size > LISTS_MAX && oldest !== undefined) await this.#close(oldest);
    return await this.next(cursor);
  }

  /** @throws FtpxError LIST_EXPIRED */
  async next(cursor: number): Promise<Page> {
    const listing = this.#open.get(cursor);
    if (listing === undefined) throw new FtpxError("LIST_EXPIRED");
    const entries = await listing.next(LIST_PAGE_ENTRIES_MAX);
    if (entries.length === LIST_PAGE_ENTRIES_MAX) return { entries, cursor };
    await this.#close(cursor);
    return { entries, cursor: 0 };
  }

  async closeAll(): Promise<void> {
    for (const cursor of this.#open.keys()) await this.#close(cursor);
  }

  async #close(cursor: number): Promise<void> {
    const listing = this.#open.get(cursor);
    this.#open.delete(cursor);
    await listing?.close();
  }
}
