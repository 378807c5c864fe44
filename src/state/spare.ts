/**
 * Room for the database on a full disk: a file beside it that is given up when nothing else
 * is left, so that users can still remove files and a server can still start.
 */
import { rmSync, statSync, writeFileSync } from "node:fs";
import { randomBytes } from "node:crypto";

/** Many times what the log of some hundred small changes takes. */
const SPARE_BYTES = 1024 * 1024;

export class Spare {
  readonly #path: string;

  constructor(database: string) {
    this.#path = `${database}-spare`;
  }

  /** Makes it unless it is there; where that cannot be, the server does without. */
  keep(): void {
    try {
      if (statSync(this.#path, { throwIfNoEntry: false })?.size === SPARE_BYTES) return;
      // Of chance, because some file systems keep no room for zeros.
      writeFileSync(this.#path, randomBytes(SPARE_BYTES), { mode: 0o600 });
    } catch {
      this.giveUp();
    }
  }

  /** @returns whether that made room */
  giveUp(): boolean {
    try {
      const isThere = statSync(this.#path, { throwIfNoEntry: false }) !== undefined;
      rmSync(this.#path, { force: true });
      return isThere;
    } catch {
      return false;
    }
  }
}
