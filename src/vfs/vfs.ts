/**
 * Files as one user sees them: the home, the ledger and the journal behind one set of
 * operations. Every path is a VirtualPath, every change is counted in the ledger in
 * the turn in which it is made.
 *
 * What is added is charged before it is made and credited if it then fails; what is
 * removed is credited after it is gone. So a crash leaves too much counted, never too
 * little, and a recount puts it right.
 */
import type { Algorithm } from "../base/digest.ts";
import { FtpxError, isKind } from "../base/errors.ts";
import type { FileFacts, OpenFile } from "../base/openfile.ts";
import { childPath, HOME, isWithin, namesOf, parentOf } from "../base/path.ts";
import type { VirtualPath } from "../base/path.ts";
import type { Account, Amount, UploadOpened } from "../state/contract.ts";
import type { Home, Listing } from "../store/store.ts";
import { claimKey } from "./claims.ts";
import type { Claim } from "./claims.ts";
import { duplicate } from "./duplication.ts";
import type { CopyWish } from "./duplication.ts";
import type { Depot } from "./depot.ts";
import type { Interrupted } from "./interrupted.ts";
import { replacedAt } from "./publishing.ts";
import type { Turns } from "./turns.ts";
import { Upload } from "./upload.ts";
import type { UploadListener, UploadManner } from "./upload.ts";

export interface UploadWish extends UploadManner {
  readonly totalBytes: number;
  readonly modifiedMs: number;
  readonly source: Uint8Array;
  readonly algorithm: Algorithm;
  /** Forget what an earlier upload to the path left. */
  readonly isFresh: boolean;
  /** The content comes from the home itself. */
  readonly isCopy?: boolean;
}

/** An upload and the claim on its path; `close` gives the path back. */
export interface ClaimedUpload {
  readonly upload: Upload;
  close(): Promise<void>;
  discard(): Promise<void>;
}

const ONE_ENTRY: Amount = { bytes: 0, files: 1 };

export class Vfs {
  readonly #depot: Depot;
  readonly #user: string;
  readonly #home: Home;
  readonly #turns: Turns;
  readonly #limit: () => Amount;

  constructor(depot: Depot, user: string, home: Home, turns: Turns, limit: () => Amount) {
    this.#depot = depot;
    this.#user = user;
    this.#home = home;
    this.#turns = turns;
    this.#limit = limit;
  }

  facts(path: VirtualPath): Promise<FileFacts> {
    return this.#home.facts(path);
  }

  list(path: VirtualPath): Promise<Listing> {
    return this.#home.list(path);
  }

  openFile(path: VirtualPath): Promise<OpenFile> {
    return this.#home.openFile(path);
  }

  async quota(): Promise<{ account: Account; limit: Amount }> {
    const nothing = { bytes: 0, files: 0 };
    const account = await this.#depot.state.account(this.#user);
    return { account: account ?? { used: nothing, reserved: nothing }, limit: this.#limit() };
  }

  /**
   * @param made hears of each that was not there before
   * @throws FtpxError EXISTS, NO_SUCH_PATH, FILES_EXCEEDED
   */
  async makeDir(path: VirtualPath, withParents: boolean, made = () => {}): Promise<void> {
    if (!withParents) {
      await this.#makeOne(path);
      made();
      return;
    }
    let current = HOME;
    for (const name of namesOf(path)) {
      current = childPath(current, name);
      if (await this.#makeUnlessThere(current)) made();
    }
  }

  /** @returns what is gone. @throws FtpxError NO_SUCH_PATH, IS_A_DIRECTORY */
  async removeFile(path: VirtualPath): Promise<Amount> {
    return await this.#turns.onPath(path, async () => {
      const removed = await this.#home.removeFile(path);
      await this.#credit(removed);
      return removed;
    });
  }

  /** @throws FtpxError NO_SUCH_PATH, NOT_A_DIRECTORY, NOT_EMPTY */
  async removeDir(path: VirtualPath): Promise<void> {
    await this.#turns.onPath(path, async () => {
      await this.#credit(await this.#home.removeDir(path));
    });
  }

  /**
   * Removes whatever stands there, directories with all they hold.
   *
   * @param removed hears what is gone, also before a failure
   */
  async removeTree(path: VirtualPath, removed: (amount: Amount) => void): Promise<void> {
    const { kind } = await this.#home.facts(path);
    if (kind !== "directory") {
      removed(await this.removeFile(path));
      return;
    }
    const credit = async (usage: Amount) => {
      removed(usage);
      await this.#credit(usage);
    };
    await this.#turns.onTree(() => this.#home.removeTree(path, credit));
  }

  /** @throws FtpxError NO_SUCH_PATH, EXISTS, BAD_PATH */
  async move(from: VirtualPath, to: VirtualPath, mayReplace: boolean): Promise<void> {
    if (from !== to && isWithin(from, to)) {
      throw new FtpxError("BAD_PATH", { reason: "cannot be moved into itself" });
    }
    await this.#turns.onTree(async () => {
      await this.#credit(await this.#home.move(from, to, mayReplace));
      await this.#home.syncParent(to);
      if (parentOf(from) !== parentOf(to)) await this.#home.syncParent(from);
    });
  }

  digest(file: OpenFile, algorithm: Algorithm, signal: AbortSignal): Promise<Uint8Array> {
    return this.#depot.digests.plain(file, algorithm, signal);
  }

  /**
   * Fewer than `count` where the file ends before. Never what is remembered: who asks compares a
   * file of his own with what is stored, and sends nothing where that is the same.
   */
  chunkDigests(
    file: OpenFile,
    algorithm: Algorithm,
    firstChunk: number,
    count: number,
    signal: AbortSignal,
  ): Promise<Uint8Array[]> {
    return this.#depot.digests.chunks(file, algorithm, firstChunk, count, signal);
  }

  /** The digests of all chunks of that very file, if it was digested not long ago. */
  knownDigests(facts: FileFacts, algorithm: Algorithm): readonly Uint8Array[] | undefined {
    return this.#depot.digestMemory.find(facts, algorithm);
  }

  /** All chunks of a file were digested between two looks at it that saw the same. */
  keepDigests(facts: FileFacts, algorithm: Algorithm, digests: readonly Uint8Array[]): void {
    this.#depot.digestMemory.keep(facts, algorithm, digests);
  }

  /**
   * Opens an upload, or picks up the one that was cut off.
   *
   * The whole file is charged to the quota here, not as its bytes arrive, so that a
   * user hears "it will not fit" before sending anything. An upload that is picked up
   * was charged when it began and is not charged again.
   *
   * @throws FtpxError UPLOAD_BUSY, QUOTA_EXCEEDED, FILES_EXCEEDED, NO_SUCH_PATH, EXISTS,
   *   IS_A_DIRECTORY
   */
  async openUpload(wish: UploadWish, listener: UploadListener): Promise<ClaimedUpload> {
    await this.#demandPlace(wish.path, wish.mayReplace());
    const key = claimKey(this.#user, wish.path);
    const claim = await this.#depot.claims.claim(key);
    try {
      const upload = await this.#open(wish, listener);
      claim.upload = upload;
      return {
        upload,
        close: () => this.#release(key, claim, () => upload.close()),
        discard: () => this.#release(key, claim, () => upload.discard()),
      };
    } catch (refusal) {
      // Or the path would stay busy until the session ends.
      await this.#release(key, claim, async () => {});
      throw refusal;
    }
  }

  /**
   * Waits for the disk: content and name of a file that is known by its version. In a turn, so
   * that a commit under way has ended. @throws FtpxError NO_SUCH_PATH, NOT_A_FILE, CHANGED
   */
  async sync(path: VirtualPath, version: string): Promise<void> {
    await this.#turns.onPath(path, async () => {
      const file = await this.#home.openFile(path);
      try {
        if ((await file.facts()).version !== version) throw new FtpxError("CHANGED");
        await file.sync();
        await this.#home.syncParent(path);
      } finally {
        await file.close();
      }
    });
  }

  /** Unfinished uploads, by path. */
  uploads(): Promise<Interrupted[]> {
    return this.#depot.uploads(this.#user);
  }

  /** Gives an unfinished upload up. @throws FtpxError NO_SUCH_PATH, UPLOAD_BUSY */
  dropUpload(path: VirtualPath): Promise<number> {
    return this.#depot.dropUpload(this.#user, path);
  }

  /** @returns the bytes that were copied. @throws FtpxError as `duplicate` of duplication.ts */
  duplicate(wish: CopyWish, signal: AbortSignal): Promise<number> {
    return duplicate(this, wish, signal);
  }

  leave(): Promise<void> {
    return this.#depot.leave(this.#user);
  }

  async #open(wish: UploadWish, listener: UploadListener): Promise<Upload> {
    const { state, store, digests, digestMemory: memory, knownParts: known } = this.#depot;
    const recount = () => this.#depot.recounts.add(this.#user);
    const own = { home: this.#home, turns: this.#turns, recount };
    const ground = { state, parts: store.parts, digests, memory, known, ...own };
    const opened = await this.#openRow(wish);
    try {
      return await Upload.open(ground, listener, opened, wish);
    } catch (error) {
      if (!opened.isResumed) {
        // Where that fails too, the count that is due then finds a row without a part.
        await state.discard(opened.row.id).catch(recount);
        await store.parts.remove(opened.row.id);
      }
      throw error;
    }
  }

  async #openRow(wish: UploadWish): Promise<UploadOpened> {
    const { state } = this.#depot;
    // What is asked later stays here: a function does not get into the worker.
    const { mayReplace: _later, ...facts } = wish;
    const intent = { ...facts, user: this.#user, limit: this.#limit() };
    try {
      return await state.openUpload(intent);
    } catch (error) {
      if (!isKind(error, "NOT_SETTLED")) throw error;
      // A failing disk kept the last one from being counted; the claim on the path is ours.
      await this.#depot.recount(this.#user);
      return await state.openUpload(intent);
    }
  }

  #release(key: string, claim: Claim, work: () => Promise<void>): Promise<void> {
    return this.#depot.claims.release(key, claim, work);
  }

  /** A file could be published there as things stand. */
  async #demandPlace(path: VirtualPath, mayReplace: boolean): Promise<void> {
    if (path === HOME) throw new FtpxError("IS_A_DIRECTORY");
    // What is looked up next lies in it, and cannot be found without it either.
    const parent = await this.#home.factsNow(parentOf(path));
    if (parent.kind !== "directory") throw new FtpxError("NOT_A_DIRECTORY");
    await replacedAt(this.#home.facts(path), mayReplace);
  }

  async #makeOne(path: VirtualPath): Promise<void> {
    if (path === HOME) throw new FtpxError("EXISTS");
    await this.#turns.onPath(path, async () => {
      await this.#depot.state.charge(this.#user, ONE_ENTRY, this.#limit());
      try {
        await this.#home.makeDir(path);
      } catch (error) {
        await this.#credit(ONE_ENTRY);
        throw error;
      }
      await this.#home.syncParent(path);
    });
  }

  /** @returns whether it was made here and now */
  async #makeUnlessThere(path: VirtualPath): Promise<boolean> {
    try {
      const { kind } = await this.#home.facts(path);
      if (kind !== "directory") throw new FtpxError("NOT_A_DIRECTORY");
      return false;
    } catch (error) {
      if (!isKind(error, "NO_SUCH_PATH")) throw error;
    }
    try {
      await this.#makeOne(path);
      return true;
    } catch (error) {
      // Somebody else made it meanwhile, which is as good.
      if (!isKind(error, "EXISTS")) throw error;
      return false;
    }
  }

  async #credit(amount: Amount): Promise<void> {
    if (amount.bytes === 0 && amount.files === 0) return;
    // It is gone, whatever becomes of the count: a failure here is made up, not reported.
    const isExact = await this.#depot.state.credit(this.#user, amount).catch(() => false);
    // Behind this turn: a recount takes one of its own.
    if (!isExact) this.#depot.recounts.add(this.#user);
  }
}
