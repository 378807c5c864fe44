/**
 * Which session is uploading to which path: one at a time for each path of a user.
 *
 * A claim whose content has stopped is taken over by the next session of the same
 * user, because the first one's client has most likely vanished without a word. The
 * old session's upload is ended before the new one begins, so late bytes of the old
 * one meet a closed upload and never the file.
 */
import { FtpxError } from "../base/errors.ts";
import { TAKEOVER_AFTER_MS } from "../base/limits.ts";
import type { Upload } from "./upload.ts";

export class Claim {
  upload: Upload | undefined;
  readonly #madeMs = performance.now();
  readonly #ended = Promise.withResolvers<void>();
  #isEnding = false;

  get isEnding(): boolean {
    return this.#isEnding;
  }

  get lastActiveMs(): number {
    return Math.max(this.#madeMs, this.upload?.lastActiveMs ?? 0);
  }

  /** Settles when the claim is free again. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  /** Runs what ends the upload, once; whoever waits for the path goes on afterwards. */
  async end(work: () => Promise<void>, release: () => void): Promise<void> {
    if (this.#isEnding) return await this.ended;
    this.#isEnding = true;
    try {
      await work();
    } finally {
      release();
      this.#ended.resolve();
    }
  }
}

export class Claims {
  readonly #claims = new Map<string, Claim>();

  /** @throws FtpxError UPLOAD_BUSY */
  async claim(key: string): Promise<Claim> {
    for (;;) {
      const holder = this.#claims.get(key);
      if (holder === undefined) break;
      if (holder.isEnding) await holder.ended;
      else await this.#takeOver(key, holder);
    }
    return this.#take(key);
  }

  /** Only when nobody has it. */
  tryClaim(key: string): Claim | undefined {
    return this.#claims.has(key) ? undefined : this.#take(key);
  }

  /** Ends an upload by `work`, then frees its path. */
  release(key: string, claim: Claim, work: () => Promise<void>): Promise<void> {
    return claim.end(work, () => this.#claims.delete(key));
  }

  isClaimed(key: string): boolean {
    return this.#claims.has(key);
  }

  /** Resolves when nobody has it, or who had it has given it back. */
  async freed(key: string): Promise<void> {
    await this.#claims.get(key)?.ended;
  }

  #take(key: string): Claim {
    const claim = new Claim();
    this.#claims.set(key, claim);
    return claim;
  }

  async #takeOver(key: string, holder: Claim): Promise<void> {
    const idleMs = performance.now() - holder.lastActiveMs;
    if (idleMs < TAKEOVER_AFTER_MS) {
      throw new FtpxError("UPLOAD_BUSY", { retryAfterMs: Math.ceil(TAKEOVER_AFTER_MS - idleMs) });
    }
    const failure = new FtpxError("TAKEN_OVER");
    await this.release(key, holder, async () => await holder.upload?.close(failure));
  }
}

/** User names hold no slash and paths begin with one, so the two cannot run into each other. */
export function claimKey(user: string, path: string): string {
  return `${user}${path}`;
}
