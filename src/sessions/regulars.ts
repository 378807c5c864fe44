/**
 * From which sources each account was signed in to: what strangers do there, or to the account,
 * does not keep its owner out.
 *
 * Only who has signed in makes an entry, at most KNOWN_SOURCES_MAX for an account, so what is kept
 * is bounded by the accounts, and nobody makes the entries of others be forgotten. In memory: after
 * a start everybody is a stranger once.
 */
import { KNOWN_SOURCES_MAX } from "../base/limits.ts";
import { Headcount } from "./headcount.ts";

export class Regulars {
  /** Of each account, who signed in last standing last. */
  readonly #sources = new Map<string, Set<string>>();
  /** How many accounts each source has. */
  readonly #counts = new Headcount();

  /** @returns whether it was none before */
  add(user: string, source: string): boolean {
    const sources = this.#sources.get(user) ?? new Set<string>();
    const isNew = !sources.delete(source);
    sources.add(source);
    this.#sources.set(user, sources);
    if (!isNew) return false;
    this.#counts.add(source);
    if (sources.size > KNOWN_SOURCES_MAX) {
      for (const silentLongest of sources) {
        sources.delete(silentLongest);
        this.#counts.remove(silentLongest);
        break;
      }
    }
    return true;
  }

  has(user: string, source: string): boolean {
    return this.#sources.get(user)?.has(source) === true;
  }

  /** Whether any account was signed in to from there. */
  knows(source: string): boolean {
    return this.#counts.of(source) > 0;
  }

  /** What was proved there is worth nothing any more. */
  forget(user: string): void {
    for (const source of this.#sources.get(user) ?? []) this.#counts.remove(source);
    this.#sources.delete(user);
  }
}
