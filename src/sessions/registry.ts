/**
 * All sessions: how many there may be, what they share, and what happens to them when
 * accounts change or the server stops.
 */
import { isDeepStrictEqual } from "node:util";
import type { Account } from "../accounts/account.ts";
import { FtpxError } from "../base/errors.ts";
import type { EventSink, ServerEvent } from "../base/events.ts";
import { SIGN_IN_MS_MAX, UNSIGNED_SESSIONS_MAX } from "../base/limits.ts";
import { distinctParameters } from "../base/verifier.ts";
import type { Parameters } from "../base/verifier.ts";
import type { Amount } from "../state/contract.ts";
import type { Depot } from "../vfs/depot.ts";
import { Session } from "./session.ts";
import type { Line } from "./session.ts";

export interface RegistrySettings {
  readonly version: string;
  /** From it fake salts are derived. */
  readonly secret: Uint8Array;
  readonly sessionsMax: number;
  /** For accounts that name none. */
  readonly quota: Amount;
}

export class Registry {
  readonly depot: Depot;
  readonly settings: RegistrySettings;
  readonly #emit: EventSink;
  readonly #sessions = new Set<Session>();
  #accounts: ReadonlyMap<string, Account>;
  #knownParameters: readonly Parameters[];
  #unsignedCount = 0;
  #lastId = 0;
  #isDraining = false;

  constructor(
    depot: Depot,
    accounts: ReadonlyMap<string, Account>,
    settings: RegistrySettings,
    emit: EventSink,
  ) {
    this.depot = depot;
    this.#accounts = accounts;
    this.#knownParameters = parametersOf(accounts);
    this.settings = settings;
    this.#emit = emit;
  }

  get accounts(): ReadonlyMap<string, Account> {
    return this.#accounts;
  }

  /** Password parameters that accounts have, so that made-up ones do not stand out. */
  get knownParameters(): readonly Parameters[] {
    return this.#knownParameters;
  }

  get sessions(): ReadonlySet<Session> {
    return this.#sessions;
  }

  get isDraining(): boolean {
    return this.#isDraining;
  }

  /** Transfers under way in all sessions. */
  get transferCount(): number {
    let count = 0;
    for (const session of this.#sessions) count += session.transfers.size;
    return count;
  }

  /** @throws FtpxError DRAINING, SERVER_FULL */
  admit(line: Line): Session {
    if (this.#isDraining) throw new FtpxError("DRAINING");
    const { sessionsMax } = this.settings;
    if (this.#sessions.size >= sessionsMax) {
      throw new FtpxError("SERVER_FULL", { limit: sessionsMax });
    }
    if (this.#unsignedCount >= UNSIGNED_SESSIONS_MAX) {
      throw new FtpxError("SERVER_FULL", { limit: UNSIGNED_SESSIONS_MAX });
    }
    const session = new Session((this.#lastId += 1), line, this);
    this.#sessions.add(session);
    this.#unsignedCount += 1;
    return session;
  }

  /** One stranger less. */
  signedIn(): void {
    this.#unsignedCount -= 1;
  }

  remove(session: Session): void {
    if (!this.#sessions.delete(session)) return;
    if (!session.isSignedIn) this.#unsignedCount -= 1;
  }

  limitOf(account: Account): Amount {
    const { quota } = this.settings;
    return {
      bytes: account.quotaBytes ?? quota.bytes,
      files: account.filesMax ?? quota.files,
    };
  }

  /** Takes new accounts into live sessions: who may not stay is signed off at once. */
  reload(accounts: ReadonlyMap<string, Account>): void {
    this.#accounts = accounts;
    this.#knownParameters = parametersOf(accounts);
    for (const session of this.#sessions) {
      const before = session.account;
      if (before === undefined) continue;
      const account = accounts.get(before.name);
      if (account === undefined || account.isDisabled || !hasSameSecrets(before, account)) {
        session.line.close(new FtpxError("ACCOUNT_CLOSED"));
      } else {
        session.refresh(account);
      }
    }
  }

  /** Ends the sessions of a user and waits until everything of theirs is given back. */
  async signOff(user: string): Promise<void> {
    const failure = new FtpxError("ACCOUNT_CLOSED");
    const sessions = [...this.#sessions].filter(({ account }) => account?.name === user);
    for (const session of sessions) session.line.close(failure);
    await Promise.all(sessions.map((session) => session.end(failure)));
  }

  /** To be called every WATCH_EVERY_MS. */
  watch(nowMs: number): void {
    for (const session of this.#sessions) {
      if (!session.isSignedIn && nowMs - session.beganMs > SIGN_IN_MS_MAX) {
        session.line.close(new FtpxError("SIGN_IN_TOO_LATE"));
      }
    }
  }

  /** No new sessions from here on. */
  drain(): void {
    this.#isDraining = true;
  }

  /** Ends all sessions; open transfers stay resumable. */
  async closeAll(reason: FtpxError): Promise<void> {
    const sessions = [...this.#sessions];
    for (const session of sessions) session.line.close(reason);
    await Promise.all(sessions.map((session) => session.end(reason)));
  }

  emit(event: ServerEvent): void {
    this.#emit(event);
  }
}

/** A changed password or key list ends what was opened with the old one. */
function hasSameSecrets(before: Account, after: Account): boolean {
  return (
    isDeepStrictEqual(before.verifier, after.verifier) && isDeepStrictEqual(before.keys, after.keys)
  );
}

function parametersOf(accounts: ReadonlyMap<string, Account>): Parameters[] {
  const verifiers = [...accounts.values()].map(({ verifier }) => verifier);
  return distinctParameters(verifiers.filter((verifier) => verifier !== undefined));
}
