/**
 * Homes that are due to be counted again, one after the other, behind the running service.
 *
 * A home is due after an unclean stop, and when more was removed from it than the ledger
 * knew of. What is not counted when the server stops must be made up by its next run, so
 * `stop` says whether that is needed.
 */

/** A home that could not be counted; it stays uncounted until the server starts again. */
export type RecountFailed = (user: string, error: unknown) => void;

export class Recounts {
  readonly #recount: (user: string) => Promise<void>;
  readonly #failed: RecountFailed;
  readonly #due = new Set<string>();
  #working: Promise<void> | undefined;
  #user: string | undefined;
  #isStopped = false;
  #hasFailed = false;

  constructor(recount: (user: string) => Promise<void>, failed: RecountFailed) {
    this.#recount = recount;
    this.#failed = failed;
  }

  /** Returns at once; may be called from within a turn of the home. */
  add(...users: readonly string[]): void {
    for (const user of users) this.#due.add(user);
    this.#work();
  }

  /** The home goes: it is not counted, and not being counted any more when this resolves. */
  async forget(user: string): Promise<void> {
    this.#due.delete(user);
    if (this.#user === user) await this.#working;
    this.#work();
  }

  /** Waits until nothing is under way. @returns whether everything was counted */
  async settled(): Promise<boolean> {
    while (this.#working !== undefined) await this.#working;
    return this.#due.size === 0 && !this.#hasFailed;
  }

  /** Begins no further home. @returns as `settled` */
  async stop(): Promise<boolean> {
    this.#isStopped = true;
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
      this.#hasFailed = true;
      this.#failed(user, error);
    }
  }
}
