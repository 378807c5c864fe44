/**
 * Invites: who has the code of one gets an account without waiting, once. Runs inside the
 * state worker, on an open transaction.
 *
 * An invite is open, used or revoked, and only an open one that has not expired can be used.
 * The code itself is known to its holder alone: here stands its SHA-256. An invite is used in
 * the transaction that keeps the request it is used for (registrations.ts).
 */
import type { Database } from "bun:sqlite";
import { FtpxError } from "../base/errors.ts";
import { ANSWER_AGE_MS_MAX, ANSWERS_MAX, INVITES_MAX } from "../base/limits.ts";
import type { AccountLimits, InviteIntent, InviteRow } from "./contract.ts";

interface Row {
  number: number;
  user: string | null;
  quota_bytes: number | null;
  files_max: number | null;
  access: AccountLimits["access"] | null;
  expires_ms: number;
  status: InviteRow["status"];
  used_by: string | null;
}

export class InviteTable {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  addInvite(intent: InviteIntent): number {
    const counted = this.#db.query<{ count: number }, []>(
      "SELECT count(*) AS count FROM invites WHERE status = 'open'",
    );
    if ((counted.get()?.count ?? 0) >= INVITES_MAX) {
      throw new FtpxError("INVITES_FULL", { limit: INVITES_MAX });
    }
    const { lastInsertRowid } = this.#db
      .query(
        `INSERT INTO invites (code, user, quota_bytes, files_max, access, expires_ms)
         VALUES ($code, $user, $quotaBytes, $filesMax, $access, $expiresMs)`,
      )
      .run({
        code: intent.code,
        user: intent.user ?? null,
        quotaBytes: intent.quotaBytes ?? null,
        filesMax: intent.filesMax ?? null,
        access: intent.access ?? null,
        expiresMs: intent.expiresMs,
      });
    return Number(lastInsertRowid);
  }

  invites(): InviteRow[] {
    return this.#db.query<Row, []>("SELECT * FROM invites ORDER BY number").all().map(rowOf);
  }

  invite(number: number): InviteRow | undefined {
    const query = this.#db.query<Row, [number]>("SELECT * FROM invites WHERE number = ?");
    const row = query.get(number);
    return row === null ? undefined : rowOf(row);
  }

  /** The number of the invite with this code, whatever its status is. */
  numberOf(code: Uint8Array): number | undefined {
    const query = this.#db.query<{ number: number }, [Uint8Array]>(
      "SELECT number FROM invites WHERE code = ?",
    );
    return query.get(code)?.number;
  }

  /** @throws FtpxError BAD_INVITE, the same whatever is wrong with it */
  use(code: Uint8Array, user: string, nowMs: number): number {
    const used = this.#db
      .query<{ number: number }, { code: Uint8Array; user: string; nowMs: number }>(
        `UPDATE invites SET status = 'used', used_by = $user, age_ms = 0
         WHERE code = $code AND status = 'open' AND expires_ms > $nowMs
           AND (user IS NULL OR user = $user)
         RETURNING number`,
      )
      .get({ code, user, nowMs });
    if (used === null) throw new FtpxError("BAD_INVITE");
    return used.number;
  }

  /** What it was used for did not come about. */
  giveBack(number: number): void {
    this.#db
      .query("UPDATE invites SET status = 'open', used_by = NULL, age_ms = 0 WHERE number = ?")
      .run(number);
  }

  revokeInvite(number: number): boolean {
    const { changes } = this.#db
      .query(
        "UPDATE invites SET status = 'revoked', age_ms = 0 WHERE number = ? AND status = 'open'",
      )
      .run(number);
    return changes > 0;
  }

  /** Closed ones go by age and number; open ones a while after they have expired. */
  age(elapsedMs: number, nowMs = Date.now()): void {
    this.#db
      .query("UPDATE invites SET age_ms = age_ms + ? WHERE status <> 'open' OR expires_ms <= ?")
      .run(elapsedMs, nowMs);
    this.#db.query("DELETE FROM invites WHERE age_ms > ?").run(ANSWER_AGE_MS_MAX);
    this.#db
      .query(
        `DELETE FROM invites WHERE number IN (
           SELECT number FROM invites WHERE status <> 'open'
           ORDER BY number DESC LIMIT -1 OFFSET ?)`,
      )
      .run(ANSWERS_MAX);
  }
}

function rowOf(row: Row): InviteRow {
  return {
    number: row.number,
    user: row.user ?? undefined,
    quotaBytes: row.quota_bytes ?? undefined,
    filesMax: row.files_max ?? undefined,
    access: row.access ?? undefined,
    expiresMs: row.expires_ms,
    status: row.status,
    usedBy: row.used_by ?? undefined,
  };
}
