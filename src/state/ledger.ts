/**
 * Quota: what each user has stored and what is reserved for uploads under way.
 * Runs inside the state worker, on an open transaction.
 *
 * Check and reservation are one conditional UPDATE, so no order of sessions can
 * pass a limit. What is used can be less than what goes, because the operator may put
 * files into a home by hand: then it ends at zero, and whoever asked hears that a
 * recount is due. A reservation that would become negative is a defect and fails its job.
 */
import type { Database } from "bun:sqlite";
import { FtpxError } from "../base/errors.ts";
import type { Account, Amount, Audit } from "./contract.ts";

interface Row {
  user: string;
  used_bytes: number;
  used_files: number;
  reserved_bytes: number;
  reserved_files: number;
}

export class LedgerTable {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  account(user: string): Account | undefined {
    const row = this.#db.query<Row, [string]>("SELECT * FROM accounts WHERE user = ?").get(user);
    return row === null ? undefined : accountOf(row);
  }

  accounts(): { user: string; account: Account }[] {
    const rows = this.#db.query<Row, []>("SELECT * FROM accounts ORDER BY user").all();
    return rows.map((row) => ({ user: row.user, account: accountOf(row) }));
  }

  audit(user: string): Audit | undefined {
    const account = this.account(user);
    const query = this.#db.query<Amount, [string]>(
      `SELECT coalesce(sum(total_bytes), 0) AS bytes, count(id) AS files
       FROM uploads WHERE user = ?`,
    );
    const ofUploads = query.get(user) ?? { bytes: 0, files: 0 };
    return account === undefined ? undefined : { ...account, ofUploads };
  }

  recount(user: string, used: Amount): void {
    this.#db
      .query(
        `INSERT INTO accounts (user, used_bytes, used_files, reserved_bytes, reserved_files)
         SELECT $user, $bytes, $files, coalesce(sum(total_bytes), 0), count(id)
         FROM uploads WHERE user = $user
         ON CONFLICT (user) DO UPDATE SET
           used_bytes = excluded.used_bytes, used_files = excluded.used_files,
           reserved_bytes = excluded.reserved_bytes, reserved_files = excluded.reserved_files`,
      )
      .run({ user, bytes: used.bytes, files: used.files });
  }

  charge(user: string, amount: Amount, limit: Amount): void {
    this.#claim("used", user, amount, limit);
  }

  reserve(user: string, amount: Amount, limit: Amount): void {
    this.#claim("reserved", user, amount, limit);
  }

  /** @returns whether so much was counted */
  credit(user: string, amount: Amount): boolean {
    return this.#change(
      user,
      { bytes: -amount.bytes, files: -amount.files },
      { bytes: 0, files: 0 },
    );
  }

  refund(user: string, amount: Amount): void {
    this.#change(user, { bytes: 0, files: 0 }, { bytes: -amount.bytes, files: -amount.files });
  }

  /** Turns a reservation into use, less what was replaced. @returns whether that was counted */
  settle(user: string, reserved: Amount, replaced: Amount): boolean {
    // One after the other: what was replaced may never have been counted, what is new must be.
    const wasCounted = this.credit(user, replaced);
    this.#change(user, reserved, { bytes: -reserved.bytes, files: -reserved.files });
    return wasCounted;
  }

  forget(user: string): void {
    this.#db.query("DELETE FROM accounts WHERE user = ?").run(user);
  }

  #claim(what: "used" | "reserved", user: string, amount: Amount, limit: Amount): void {
    const { changes } = this.#db
      .query(
        `UPDATE accounts SET ${what}_bytes = ${what}_bytes + $bytes, ${what}_files = ${what}_files + $files
         WHERE user = $user
           AND ($bytes <= 0 OR used_bytes + reserved_bytes + $bytes <= $limitBytes)
           AND ($files <= 0 OR used_files + reserved_files + $files <= $limitFiles)`,
      )
      .run({
        user,
        bytes: amount.bytes,
        files: amount.files,
        limitBytes: limit.bytes,
        limitFiles: limit.files,
      });
    if (changes === 0) throw this.#refusal(user, amount, limit);
  }

  #refusal(user: string, amount: Amount, limit: Amount): Error {
    const account = this.account(user);
    if (account === undefined) return new Error(`no ledger row for ${user}`);
    const { used, reserved } = account;
    const freeBytes = Math.max(0, limit.bytes - used.bytes - reserved.bytes);
    if (amount.bytes > freeBytes) {
      const limitBytes = limit.bytes;
      return new FtpxError("QUOTA_EXCEEDED", { neededBytes: amount.bytes, freeBytes, limitBytes });
    }
    const free = Math.max(0, limit.files - used.files - reserved.files);
    return new FtpxError("FILES_EXCEEDED", { needed: amount.files, free, limit: limit.files });
  }

  /** @returns whether `used` was taken whole, and did not end at zero before */
  #change(user: string, used: Amount, reserved: Amount): boolean {
    const before = this.account(user)?.used;
    if (before === undefined) throw new Error(`no ledger row for ${user}`);
    this.#db
      .query(
        `UPDATE accounts SET
           used_bytes = max(0, used_bytes + $usedBytes),
           used_files = max(0, used_files + $usedFiles),
           reserved_bytes = reserved_bytes + $reservedBytes,
           reserved_files = reserved_files + $reservedFiles
         WHERE user = $user`,
      )
      .run({
        user,
        usedBytes: used.bytes,
        usedFiles: used.files,
        reservedBytes: reserved.bytes,
        reservedFiles: reserved.files,
      });
    return before.bytes + used.bytes >= 0 && before.files + used.files >= 0;
  }
}

function accountOf(row: Row): Account {
  return {
    used: { bytes: row.used_bytes, files: row.used_files },
    reserved: { bytes: row.reserved_bytes, files: row.reserved_files },
  };
}
