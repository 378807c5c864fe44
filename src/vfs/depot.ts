/**
 * What all sessions share of the files: open homes, whose turn it is in each, who is
 * uploading where, and the state. A session gets its Vfs here and gives it back.
 */
import { isUserName } from "../accounts/account.ts";
import { FtpxError, isKind, withPath } from "../base/errors.ts";
import { PART_AGE_MS_DEFAULT } from "../base/limits.ts";
import { HOME } from "../base/path.ts";
import type { VirtualPath } from "../base/path.ts";
import type { Amount, State, UploadRow } from "../state/contract.ts";
import type { Digests } from "../store/digests.ts";
import type { Home, Store } from "../store/store.ts";
import { BUFFERS } from "../transfer/buffers.ts";
import { checkParts, checkUser } from "./findings.ts";
import type { Finding } from "./findings.ts";
import { claimKey, Claims } from "./claims.ts";
import { DigestMemory } from "./digestmemory.ts";
import { dropInterrupted, listInterrupted } from "./interrupted.ts";
import type { Interrupted } from "./interrupted.ts";
import { isResumable, mendUnheld } from "./publishing.ts";
import { Recounts } from "./recounts.ts";
import type { RecountFailed } from "./recounts.ts";
import { Turns } from "./turns.ts";
import { Vfs } from "./vfs.ts";

export interface OpenHome {
  readonly home: Home;
  readonly turns: Turns;
}

export interface DepotSettings {
  /** An unfinished upload that nobody touched for so long is dropped. */
  readonly partAgeMs: number;
  /** Hears of homes that could not be counted behind the service. */
  readonly recountFailed: RecountFailed;
}

export class Depot {
  readonly state: State;
  readonly store: Store;
  readonly digests: Digests;
  readonly claims = new Claims();
  readonly recounts: Recounts;
  readonly digestMemory = new DigestMemory();
  /** See UploadGround. */
  readonly knownParts = new Map<string, string>();
  readonly #partAgeMs: number;
  readonly #homes = new Map<string, { opening: Promise<OpenHome>; users: number }>();

  constructor(
    state: State,
    store: Store,
    digests: Digests,
    { partAgeMs = PART_AGE_MS_DEFAULT, recountFailed = () => {} }: Partial<DepotSettings> = {},
  ) {
    this.state = state;
    this.store = store;
    this.digests = digests;
    this.#partAgeMs = partAgeMs;
    this.recounts = new Recounts((user) => this.recount(user), recountFailed);
  }

  /** Content of uploads, of all homes, that has come and is not written yet. */
  get unwrittenBytes(): number {
    return BUFFERS.usedBytes;
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

  /**
   * Makes the home of an account that is to be.
   *
   * @returns whether nothing is there of an earlier account of that name
   */
  async makeHome(user: string): Promise<boolean> {
    const isEmpty = await this.alone(user, isEmptyHome);
    return isEmpty && (await this.state.uploads(user)).length === 0;
  }

  /** Whether an earlier account of that name has left something; nothing is made. */
  async hasLeft(user: string): Promise<boolean> {
    if (await this.store.hasHome(user)) return !(await this.makeHome(user));
    return (await this.state.uploads(user)).length > 0;
  }

  /** Counts what lies in a home, with no change going on meanwhile. */
  async recount(user: string): Promise<void> {
    await this.alone(user, async (home) => {
      await this.mend(user, home);
      await this.state.recount(user, await home.measure());
    });
  }

  /** Runs `work` with no change of the home going on meanwhile. */
  async alone<Value>(user: string, work: (home: Home) => Promise<Value>): Promise<Value> {
    const { home, turns } = await this.#acquire(user);
    try {
      return await turns.onTree(() => work(home));
    } finally {
      await this.leave(user);
    }
  }

  /**
   * Finishes or takes back what a failing disk left between rename and settlement, and gives
   * back what is reserved for uploads that nobody goes on with: those without a part, and
   * copies. Only while no change of the home is going on: a file that is counted as found
   * must not be settled afterwards too.
   */
  async mend(user: string, home: Home): Promise<void> {
    for (const row of await this.state.uploads(user)) {
      const isPartThere = await this.store.parts.has(row.id);
      if (isResumable(row, isPartThere)) continue;
      // Nobody publishes meanwhile, and who opens an upload to the path waits for this.
      if (row.phase === "publishing") await this.mendUnheld(home, row, isPartThere);
      else await this.unheld(row, (current, isThere) => this.mendUnheld(home, current, isThere));
    }
  }

  /** Puts an upload in order that no session holds, with no change of its home going on. */
  async mendUnheld(home: Home, row: UploadRow, isPartThere: boolean): Promise<void> {
    const { state, store } = this;
    await mendUnheld({ state, parts: store.parts }, (work) => work(home), row, isPartThere);
  }

  /**
   * Runs `work` on an upload as it is now, unless a session holds it: one that is being opened
   * has no part yet, and a copy that is held is under way. Under a claim, so that nobody picks
   * it up meanwhile.
   */
  async unheld(
    { id, user, path }: UploadRow,
    work: (current: UploadRow, isPartThere: boolean) => Promise<void>,
  ): Promise<void> {
    const key = claimKey(user, path);
    const claim = this.claims.tryClaim(key);
    if (claim === undefined) return;
    await this.claims.release(key, claim, async () => {
      const current = await this.state.upload(id);
      if (current !== undefined) await work(current, await this.store.parts.has(id));
    });
  }

  /** Waits for a count that is due, then compares. */
  async checkUser(user: string, isFixing: boolean): Promise<Finding[]> {
    await this.recounts.counted(user);
    return await this.alone(user, (home) => checkUser(this, home, user, isFixing));
  }

  checkParts(isFixing: boolean): Promise<Finding[]> {
    return checkParts(this, isFixing);
  }

  /** Uploads of a user that were cut off or are under way, by path. */
  uploads(user: string): Promise<Interrupted[]> {
    return listInterrupted(this, user);
  }

  /** @returns how large it was to become @throws FtpxError NO_SUCH_PATH, UPLOAD_BUSY */
  dropUpload(user: string, path: VirtualPath): Promise<number> {
    return dropInterrupted(this, user, path);
  }

  /** Resolves when no session has an upload to there open that has one now. */
  async uploadEnded(user: string, path: VirtualPath): Promise<void> {
    await this.claims.freed(claimKey(user, path));
  }

  /**
   * Everything of a user: parts, ledger, home. Sessions must have ended before.
   *
   * @throws FtpxError NO_SUCH_ACCOUNT for what no account can be called: it left nothing
   */
  async purge(user: string): Promise<void> {
    if (!isUserName(user)) throw new FtpxError("NO_SUCH_ACCOUNT", { user });
    await this.recounts.forget(user);
    for (const id of await this.state.forget(user)) {
      this.knownParts.delete(id);
      await this.store.parts.remove(id);
    }
    try {
      await this.store.removeHome(user);
    } catch (error) {
      if (!isKind(error, "NO_SUCH_PATH")) throw withPath(error, `storage/${user}`);
    }
  }

  /**
   * Drops uploads that nobody has touched for long, and parts of none; `elapsedMs` of running
   * time have passed.
   */
  async sweep(elapsedMs: number): Promise<void> {
    for (const id of await this.state.age(elapsedMs, this.#partAgeMs)) await this.#expire(id);
    // What could not be removed when its upload was dropped.
    await this.checkParts(true);
  }

  async close(): Promise<void> {
    await this.recounts.stop();
    if (this.#homes.size > 0) throw new FtpxError("INTERNAL", { reason: "homes are still open" });
    await this.digests.close();
    await this.store.close();
    await this.state.close();
  }

  async #expire(id: string): Promise<void> {
    const row = await this.state.upload(id);
    if (row === undefined) return;
    await this.unheld(row, async ({ phase }) => {
      if (phase !== "receiving") return;
      this.knownParts.delete(id);
      await this.state.discard(id);
      await this.store.parts.remove(id);
    });
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
      throw withPath(error, `storage/${user}`);
    }
  }
}

export async function isEmptyHome(home: Home): Promise<boolean> {
  const listing = await home.list(HOME);
  try {
    return (await listing.next(1)).length === 0;
  } finally {
    await listing.close();
  }
}
