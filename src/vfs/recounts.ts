/**
 * Homes that are due to be counted again, one after the other, behind the running service.
 *
 * A home is due after an unclean stop, when more was removed from it than the ledger knew
 * of, and when the ledger could not be written. A home that cannot be counted is tried
 * again later. What is not counted when the server stops must be made up by its next run,
 * so `stop` says whether that is needed.
 */
import { RECOUNT_AGAIN_MS } from "../base/limits.ts";

/** A home that could not be counted; it is tried again. */
export type RecountFailed = (user: string, error: unknown) => void;

export class Recounts {
  readonly #recount: (user: string) => Promise<void>;
  readonly #failed: RecountFailed;
  readonly #due = new Set<string>();
  #working: Promise<void> | undefined;
  #user: string | undefined;
  /** Those that failed, each with the timer that makes it due again. */
  readonly #later = new Map<string, NodeJS.Timeout>();
  readonly #againMs: number;
  #isStopped = false;

  constructor(
    recount: (user: string) => Promise<void>,
    failed: RecountFailed,
    againMs = RECOUNT_AGAIN_MS,
  ) {
    this.#recount = recount;
    this.#failed = failed;
    this.#againMs = againMs;
  }

  /** Returns at once; may be called from within a turn of the home. */
  add(...users: readonly string[]): void {
    for (const user of users) {
      this.#forgetTimer(user);
      this.#due.add(user);
    }
    this.#work();
  }

  /** Waits until the home is counted, if that is due. */
  async counted(user: string): Promise<void> {
    if (this.#later.has(user)) this.add(user);
    while (this.#working !== undefined && (this.#due.has(user) || this.#user === user)) {
      await this.#working;
    }
  }

  /** The home goes: it is not counted, and not being counted any more when this resolves. */
  async forget(user: string): Promise<void> {
    this.#due.delete(user);
    this.#forgetTimer(user);
    if (this.#user === user) await this.#working;
    this.#work();
  }

  /** Waits until nothing is under way. @returns whether everything was counted */
  async settled(): Promise<boolean> {
    while (this.#working !== undefined) await this.#working;
    return this.#due.size === 0 && this.#later.size === 0;
  }

  /** Begins no further home. @returns as `settled` */
  async stop(): Promise<boolean> {
    this.#isStopped = true;
    for (const timer of this.#later.values()) clearTimeout(timer);
    return await this.settled();
  }

  #work(): void {
    if (this.#working !== undefined || this.#isStopped) return;
    const [user] = this.#due;
    if (user === undefined) return;
    // Before it is counted: what is removed from now on makes it due again.
    this.#due.delete(user);
    this.#user = user;
    this.#working = this.#count(user).finally(() => {
      this.#working = undefined;
      this.#user = undefined;
      this.#work();
    });
  }

  async #count(user: string): Promise<void> {
    try {
      await this.#recount(user);
    } catch (error) {
      this.#failed(user, error);
      // Stopped meanwhile: it stays in the list as one that is not counted.
      this.#later.set(
        user,
        setTimeout(() => !this.#isStopped && this.add(user), this.#againMs),
      );
    }
  }

  #forgetTimer(user: string): void {
    clearTimeout(this.#later.get(user));
    this.#later.delete(user);
  }
}
