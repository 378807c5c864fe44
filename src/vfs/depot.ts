/**
 * What all sessions share of the files: open homes, whose turn it is in each, who is
 * uploading where, and the state. A session gets its Vfs here and gives it back.
 */
import { FtpxError, isKind } from "../base/errors.ts";
import { PART_AGE_MS_MAX } from "../base/limits.ts";
import type { Amount, State } from "../state/contract.ts";
import type { Digests } from "../store/digests.ts";
import type { Home, Store } from "../store/store.ts";
import { claimKey, Claims } from "./claims.ts";
import { Recounts } from "./recounts.ts";
import type { RecountFailed } from "./recounts.ts";
import { Turns } from "./turns.ts";
import { Vfs } from "./vfs.ts";

export interface OpenHome {
  readonly home: Home;
  readonly turns: Turns;
}

export class Depot {
  readonly state: State;
  readonly store: Store;
  readonly digests: Digests;
  readonly claims = new Claims();
  readonly recounts: Recounts;
  readonly #homes = new Map<string, { opening: Promise<OpenHome>; users: number }>();

  /** @param failed hears of homes that could not be counted behind the service */
  constructor(state: State, store: Store, digests: Digests, failed: RecountFailed = () => {}) {
    this.state = state;
    this.store = store;
    this.digests = digests;
    this.recounts = new Recounts((user) => this.recount(user), failed);
  }

  /** The files of a user; `limit` is asked again for every decision, because it may change. */
  async enter(user: string, limit: () => Amount): Promise<Vfs> {
    const { home, turns } = await this.#acquire(user);
    try {
      if ((await this.state.account(user)) === undefined) await this.recount(user);
    } catch (error) {
      await this.leave(user);
      throw error;
    }
    return new Vfs(this, user, home, turns, limit);
  }

  async leave(user: string): Promise<void> {
    const entry = this.#homes.get(user);
    if (entry === undefined) return;
    entry.users -= 1;
    if (entry.users > 0) return;
    this.#homes.delete(user);
    const { home } = await entry.opening;
    await home.close();
  }

  /** Counts what lies in a home, with no change going on meanwhile. */
  async recount(user: string): Promise<void> {
    const { home, turns } = await this.#acquire(user);
    try {
      await turns.onTree(async () => this.state.recount(user, await home.measure()));
    } finally {
      await this.leave(user);
    }
  }

  /** Everything of a user: parts, ledger, home. Sessions must have ended before. */
  async purge(user: string): Promise<void> {
    await this.recounts.forget(user);
    for (const id of await this.state.forget(user)) await this.store.parts.remove(id);
    try {
      await this.store.removeHome(user);
    } catch (error) {
      if (!isKind(error, "NO_SUCH_PATH")) throw error;
    }
  }

  /** Drops uploads that nobody has touched for long; `elapsedMs` of running time have passed. */
  async sweep(elapsedMs: number): Promise<void> {
    for (const id of await this.state.age(elapsedMs, PART_AGE_MS_MAX)) {
      const row = await this.state.upload(id);
      if (row === undefined || this.claims.isClaimed(claimKey(row.user, row.path))) continue;
      await this.store.parts.remove(id);
      await this.state.discard(id);
    }
  }

  async close(): Promise<void> {
    await this.recounts.stop();
    if (this.#homes.size > 0) throw new FtpxError("INTERNAL", { reason: "homes are still open" });
    await this.digests.close();
    await this.store.close();
    await this.state.close();
  }

  async #acquire(user: string): Promise<OpenHome> {
    let entry = this.#homes.get(user);
    if (entry === undefined) {
      const opening = this.store.openHome(user).then((home) => ({ home, turns: new Turns() }));
      entry = { opening, users: 0 };
      this.#homes.set(user, entry);
    }
    entry.users += 1;
    try {
      return await entry.opening;
    } catch (error) {
      this.#homes.delete(user);
      throw error;
    }
  }
}
