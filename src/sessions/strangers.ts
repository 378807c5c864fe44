/**
 * Those who have not signed in: few in all, and who of them goes when there is no room for one more.
 *
 * Where all places are taken, the newcomer gets one of the source that has the most, unless its own
 * has as many: of those, one that has come least far, at random. So who fills the places must do it
 * from more sources than there are places, and work for each; nobody who could be let in is turned
 * away by chance while there is room.
 */
import { FtpxError } from "../base/errors.ts";
import { UNSIGNED_SESSIONS_MAX } from "../base/limits.ts";
import { Headcount } from "./headcount.ts";

export interface Stranger {
  /** How far it has come; who cannot be put out any more has no number. */
  readonly progress: number | undefined;
  /** Closes its connection without a word. */
  drop(): void;
}

export class Strangers<One extends Stranger> {
  readonly #sources = new Map<One, string>();
  readonly #counts = new Headcount();
  readonly #chance: () => number;

  /** @param chance of 0 to 1 */
  constructor(chance = Math.random) {
    this.#chance = chance;
  }

  get size(): number {
    return this.#sources.size;
  }

  has(stranger: One): boolean {
    return this.#sources.has(stranger);
  }

  /** Makes sure that one more has a place. @throws FtpxError SERVER_FULL */
  makeRoom(source: string): void {
    if (this.size < UNSIGNED_SESSIONS_MAX) return;
    const largest = this.#counts.largest;
    const displaced = this.#counts.of(source) < largest ? this.#leastFar(largest) : undefined;
    if (displaced === undefined) throw new FtpxError("SERVER_FULL");
    // First of all, because nothing that it did is to be held against it.
    this.remove(displaced);
    displaced.drop();
  }

  add(stranger: One, source: string): void {
    this.#sources.set(stranger, source);
    this.#counts.add(source);
  }

  /** @returns whether it was one */
  remove(stranger: One): boolean {
    const source = this.#sources.get(stranger);
    if (source === undefined) return false;
    this.#sources.delete(stranger);
    this.#counts.remove(source);
    return true;
  }

  /** One of the sources that have so many. */
  #leastFar(count: number): One | undefined {
    let leastFar: One[] = [];
    let least = Number.POSITIVE_INFINITY;
    for (const [stranger, source] of this.#sources) {
      const { progress } = stranger;
      if (progress === undefined || this.#counts.of(source) !== count || progress > least) continue;
      if (progress < least) leastFar = [];
      least = progress;
      leastFar.push(stranger);
    }
    return leastFar[Math.floor(this.#chance() * leastFar.length)];
  }
}
