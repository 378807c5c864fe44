/**
 * Requests for an account, until the operator has answered them and a while longer. Runs
 * inside the state worker, on an open transaction.
 *
 * What strangers can make it keep is bounded: so many requests wait, in all and of one source,
 * and so many answers are kept. Nothing here says whether a name is taken, so a request for a
 * taken one costs and answers the same. The verifier goes when the answer is there.
 */
import type { Database } from "bun:sqlite";
import { FtpxError } from "../base/errors.ts";
import {
  ANSWER_AGE_MS_MAX,
  ANSWERS_MAX,
  REGISTRATION_AGE_MS_MAX,
  REGISTRATIONS_MAX,
  SOURCE_WAITING_MAX,
} from "../base/limits.ts";
import type { Registered, RegistrationIntent, RegistrationRow } from "./contract.ts";
import type { InviteTable } from "./invites.ts";

/** AUTOINCREMENT, because a number that an operator has read must not mean another one later. */
export const REGISTRATION_SCHEMA = `
  CREATE TABLE invites (
    number      INTEGER PRIMARY KEY AUTOINCREMENT,
    code        BLOB NOT NULL UNIQUE,
    user        TEXT,
    quota_bytes INTEGER CHECK (quota_bytes >= 0),
    files_max   INTEGER CHECK (files_max >= 0),
    access      TEXT CHECK (access IN ('full', 'read-only', 'upload-only')),
    expires_ms  INTEGER NOT NULL,
    status      TEXT NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'used', 'revoked')),
    used_by     TEXT,
    age_ms      INTEGER NOT NULL DEFAULT 0
  ) STRICT;
  CREATE TABLE registrations (
    number   INTEGER PRIMARY KEY AUTOINCREMENT,
    ticket   BLOB NOT NULL UNIQUE,
    user     TEXT NOT NULL,
    verifier TEXT NOT NULL,
    note     TEXT NOT NULL,
    address  TEXT NOT NULL,
    source   TEXT NOT NULL,
    asked_ms INTEGER NOT NULL,
    invite   INTEGER REFERENCES invites (number) ON DELETE SET NULL,
    outcome  TEXT NOT NULL DEFAULT 'pending' CHECK (outcome IN ('pending', 'approved', 'denied')),
    reason   TEXT NOT NULL DEFAULT '',
    age_ms   INTEGER NOT NULL DEFAULT 0
  ) STRICT;
  CREATE INDEX registrations_by_outcome ON registrations (outcome, source);
`;

interface Row {
  number: number;
  user: string;
  verifier: string;
  note: string;
  address: string;
  asked_ms: number;
  invite: number | null;
  outcome: RegistrationRow["outcome"];
  reason: string;
}

interface Counts {
  all: number;
  ofSource: number;
  ofName: number;
}

export class RegistrationTable {
  readonly #db: Database;
  readonly #invites: InviteTable;

  constructor(db: Database, invites: InviteTable) {
    this.#db = db;
    this.#invites = invites;
  }

  register(intent: RegistrationIntent): Registered {
    const { ticket, user, source, invite } = intent;
    const found = this.#find(ticket);
    if (found !== null && found.user !== user) {
      throw new FtpxError("BAD_REGISTRATION", { reason: "the ticket is that of another name" });
    }
    const counts = this.#count(source, user);
    if (found !== null) {
      if (found.outcome === "pending") this.#renew(found, intent);
    } else {
      // Who has an invite waits for nobody, and the operator has given it: no bound counts it.
      if (invite === undefined) demandRoom(counts);
      const number = invite && this.#invites.use(invite, user, intent.nowMs);
      this.#add(intent, number);
    }
    const row = this.registration(ticket);
    if (row === undefined) throw new Error("a request that was just kept is not there");
    const isNew = found === null;
    return {
      row,
      isKnown: !isNew,
      waitingCount: counts.all + (isNew ? 1 : 0),
      sameNameCount: counts.ofName + (isNew ? 1 : 0),
    };
  }

  registration(key: Uint8Array | number): RegistrationRow | undefined {
    const row = this.#find(key);
    return row === null ? undefined : this.#rowOf(row);
  }

  registrations(): RegistrationRow[] {
    const query = this.#db.query<Row, [number]>(
      "SELECT * FROM registrations WHERE outcome = 'pending' ORDER BY number LIMIT ?",
    );
    return query.all(REGISTRATIONS_MAX).map((row) => this.#rowOf(row));
  }

  decide(number: number, outcome: "approved" | "denied", reason: string): boolean {
    const { changes } = this.#db
      .query(
        `UPDATE registrations SET outcome = $outcome, reason = $reason, verifier = '', age_ms = 0
         WHERE number = $number AND outcome = 'pending'`,
      )
      .run({ number, outcome, reason });
    this.#dropAnswers();
    return changes > 0;
  }

  withdraw(number: number): void {
    const row = this.#find(number);
    if (row?.outcome !== "pending") return;
    if (row.invite !== null) this.#invites.giveBack(row.invite);
    this.#db.query("DELETE FROM registrations WHERE number = ?").run(number);
  }

  age(elapsedMs: number): void {
    this.#db.query("UPDATE registrations SET age_ms = age_ms + ?").run(elapsedMs);
    this.#db
      .query(
        `DELETE FROM registrations
         WHERE age_ms > CASE outcome WHEN 'pending' THEN $pendingMs ELSE $answeredMs END`,
      )
      .run({ pendingMs: REGISTRATION_AGE_MS_MAX, answeredMs: ANSWER_AGE_MS_MAX });
    this.#dropAnswers();
  }

  #find(key: Uint8Array | number): Row | null {
    const column = typeof key === "number" ? "number" : "ticket";
    return this.#db
      .query<Row, [Uint8Array | number]>(`SELECT * FROM registrations WHERE ${column} = ?`)
      .get(key);
  }

  #count(source: string, user: string): Counts {
    const query = this.#db.query<Counts, { source: string; user: string }>(
      `SELECT count(*) AS "all", count(*) FILTER (WHERE source = $source) AS ofSource,
         count(*) FILTER (WHERE user = $user) AS ofName
       FROM registrations WHERE outcome = 'pending'`,
    );
    return query.get({ source, user }) ?? { all: 0, ofSource: 0, ofName: 0 };
  }

  #add(intent: RegistrationIntent, invite: number | undefined): void {
    const { ticket, user, verifier, note, address, source, nowMs } = intent;
    this.#db
      .query(
        `INSERT INTO registrations (ticket, user, verifier, note, address, source, asked_ms, invite)
         VALUES ($ticket, $user, $verifier, $note, $address, $source, $nowMs, $invite)`,
      )
      .run({ ticket, user, verifier, note, address, source, nowMs, invite: invite ?? null });
  }

  /**
   * A request that waits comes again: with the password typed once more, because the first was
   * mistyped or the answer was lost, and so with another verifier; perhaps with an invite.
   */
  #renew(found: Row, intent: RegistrationIntent): void {
    const { verifier } = intent;
    const invite =
      intent.invite === undefined ? found.invite : this.#bind(found, intent, intent.invite);
    this.#db
      .query(
        "UPDATE registrations SET invite = $invite, verifier = $verifier WHERE number = $number",
      )
      .run({ invite, verifier, number: found.number });
  }

  /** A request that waits gets an invite, or had it and was cut off. */
  #bind(found: Row, { user, nowMs }: RegistrationIntent, code: Uint8Array): number | null {
    const isItsOwn = found.invite !== null && found.invite === this.#invites.numberOf(code);
    const invite = isItsOwn ? found.invite : this.#invites.use(code, user, nowMs);
    // One person, one account: the other invite is good for somebody else.
    if (!isItsOwn && found.invite !== null) this.#invites.giveBack(found.invite);
    return invite;
  }

  #dropAnswers(): void {
    this.#db
      .query(
        `DELETE FROM registrations WHERE number IN (
           SELECT number FROM registrations WHERE outcome <> 'pending'
           ORDER BY number DESC LIMIT -1 OFFSET ?)`,
      )
      .run(ANSWERS_MAX);
  }

  #rowOf(row: Row): RegistrationRow {
    const { number, user, verifier, note, address, outcome, reason } = row;
    const invite = row.invite === null ? undefined : this.#invites.invite(row.invite);
    return {
      number,
      user,
      verifier,
      note,
      address,
      askedMs: row.asked_ms,
      outcome,
      reason,
      invite,
    };
  }
}

/** @throws FtpxError REGISTERED_OFTEN, REGISTRATIONS_FULL */
function demandRoom({ all, ofSource }: Counts): void {
  if (ofSource >= SOURCE_WAITING_MAX) {
    throw new FtpxError("REGISTERED_OFTEN", { limit: SOURCE_WAITING_MAX });
  }
  if (all >= REGISTRATIONS_MAX) {
    throw new FtpxError("REGISTRATIONS_FULL", { limit: REGISTRATIONS_MAX });
  }
}
