/**
 * What the operator asks about all users together: who signed in when, and sums for
 * monitoring. Runs inside the state worker, on an open transaction.
 */
import type { Database } from "bun:sqlite";
import type { Sighting, Totals } from "./contract.ts";

export class CensusTable {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  see(sightings: readonly Sighting[]): void {
    // Never backwards: a clock that was set back, or a batch that was told late.
    const insert = this.#db.query(
      `INSERT INTO seen (user, at_ms) VALUES ($user, $atMs)
       ON CONFLICT (user) DO UPDATE SET at_ms = max(at_ms, excluded.at_ms)`,
    );
    for (const { user, atMs } of sightings) insert.run({ user, atMs });
  }

  seen(): Sighting[] {
    return this.#db
      .query<{ user: string; at_ms: number }, []>("SELECT user, at_ms FROM seen ORDER BY user")
      .all()
      .map(({ user, at_ms: atMs }) => ({ user, atMs }));
  }

  forget(user: string): void {
    this.#db.query("DELETE FROM seen WHERE user = ?").run(user);
  }

  totals(): Totals {
    const sums = this.#db
      .query<Omit<Totals, "uploads">, []>(
        `SELECT coalesce(sum(used_bytes), 0) AS usedBytes, coalesce(sum(used_files), 0) AS usedFiles,
           coalesce(sum(reserved_bytes), 0) AS reservedBytes
         FROM accounts`,
      )
      .get();
    const uploads = this.#db.query<{ count: number }, []>("SELECT count(*) AS count FROM uploads");
    const nothing = { usedBytes: 0, usedFiles: 0, reservedBytes: 0 };
    return { ...(sums ?? nothing), uploads: uploads.get()?.count ?? 0 };
  }
}
