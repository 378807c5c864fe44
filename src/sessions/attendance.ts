/**
 * When each user last signed in. A sign-in does not wait for a disk because of that: it is
 * noted here and written with the others of the same second, so a crash can lose a second.
 */
import type { Census } from "../state/contract.ts";

export class Attendance {
  readonly #census: Pick<Census, "see">;
  /** Not written yet. */
  #noted = new Map<string, number>();
  #writing: Promise<void> | undefined;

  constructor(census: Pick<Census, "see">) {
    this.#census = census;
  }

  note(user: string, atMs = Date.now()): void {
    this.#noted.set(user, atMs);
  }

  /** Everything that was noted before is written. @throws FtpxError; then it waits for the next time */
  async write(): Promise<void> {
    // One after the other, so that whoever waits has waited for what was under way too.
    while (this.#writing !== undefined) await this.#writing;
    if (this.#noted.size === 0) return;
    this.#writing = this.#write().finally(() => (this.#writing = undefined));
    await this.#writing;
  }

  async #write(): Promise<void> {
    const noted = this.#noted;
    this.#noted = new Map();
    try {
      await this.#census.see([...noted].map(([user, atMs]) => ({ user, atMs })));
    } catch (error) {
      this.#noted = new Map([...noted, ...this.#noted]);
      throw error;
    }
  }
}
