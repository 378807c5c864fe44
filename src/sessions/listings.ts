/** Directories that one session reads page by page; the oldest goes when there are too many. */
import { FtpxError } from "../base/errors.ts";
import { LISTED_BYTES_MAX, LIST_PAGE_ENTRIES_MAX, LISTS_MAX } from "../base/limits.ts";
import { Turnstile } from "../base/turnstile.ts";
import type { Entry, Listing } from "../store/store.ts";

export interface Page {
  readonly entries: Entry[];
  /** Asks for the next page; 0 when there is none. */
  readonly cursor: number;
}

/** A listing whose pages are read one after the other, also when several are asked for at once. */
interface Held {
  readonly listing: Listing;
  readonly turns: Turnstile;
}

export class Listings {
  readonly #open = new Map<number, Held>();
  #lastCursor = 0;

  /** The first page. */
  async begin(listing: Listing): Promise<Page> {
    const cursor = (this.#lastCursor += 1);
    this.#open.set(cursor, { listing, turns: new Turnstile() });
    await this.#makeRoom(cursor);
    return await this.next(cursor);
  }

  /** @throws FtpxError LIST_EXPIRED, also when the page before was the last */
  async next(cursor: number): Promise<Page> {
    const held = this.#open.get(cursor);
    if (held === undefined) throw new FtpxError("LIST_EXPIRED");
    return await held.turns.run(() => this.#read(cursor, held));
  }

  async closeAll(): Promise<void> {
    for (const cursor of this.#open.keys()) await this.#close(cursor);
  }

  async #read(cursor: number, held: Held): Promise<Page> {
    if (this.#open.get(cursor) !== held) throw new FtpxError("LIST_EXPIRED");
    const entries = await held.listing.next(LIST_PAGE_ENTRIES_MAX);
    if (entries.length === LIST_PAGE_ENTRIES_MAX) return { entries, cursor };
    await this.#close(cursor);
    return { entries, cursor: 0 };
  }

  /** The one that has just begun stays, however large it is. */
  async #makeRoom(latest: number): Promise<void> {
    for (const cursor of this.#open.keys()) {
      if (cursor === latest || !this.#isFull) return;
      await this.#close(cursor);
    }
  }

  get #isFull(): boolean {
    let heldBytes = 0;
    for (const { listing } of this.#open.values()) heldBytes += listing.heldBytes;
    return this.#open.size > LISTS_MAX || heldBytes > LISTED_BYTES_MAX;
  }

  async #close(cursor: number): Promise<void> {
    const held = this.#open.get(cursor);
    this.#open.delete(cursor);
    await held?.listing.close();
  }
}
