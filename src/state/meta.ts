/** Facts about the data directory itself. Runs inside the state worker, on an open transaction. */
import { randomBytes } from "node:crypto";
import type { Database } from "bun:sqlite";
import { FtpxError } from "../base/errors.ts";

const SECRET_BYTES = 32;

export class MetaTable {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  secret(): Uint8Array {
    const kept = this.#read("secret");
    if (kept !== undefined) return kept;
    const made = randomBytes(SECRET_BYTES);
    this.#write("secret", made);
    return made;
  }

  markStarted(): { wasClean: boolean } {
    const wasClean = this.#read("running") === undefined;
    this.#write("running", Uint8Array.of(1));
    return { wasClean };
  }

  markStopped(): void {
    this.#db.query("DELETE FROM meta WHERE name = 'running'").run();
  }

  verify(): void {
    const query = this.#db.query<{ integrity_check: string }, []>("PRAGMA integrity_check(1)");
    const found = query.get()?.integrity_check;
    if (found !== "ok") throw new FtpxError("STATE_DAMAGED", { reason: found ?? "no answer" });
  }

  #read(name: string): Uint8Array | undefined {
    const query = this.#db.query<{ value: Uint8Array }, [string]>(
      "SELECT value FROM meta WHERE name = ?",
    );
    return query.get(name)?.value;
  }

  #write(name: string, value: Uint8Array): void {
    this.#db.query("INSERT OR REPLACE INTO meta (name, value) VALUES (?, ?)").run(name, value);
  }
}
