/**
 * All sessions: how many there may be, what they share, and what happens to them when
 * accounts change or the server stops.
 */
import { isDeepStrictEqual } from "node:util";
import type { Account } from "../accounts/account.ts";
import type { AccountDirectory, Demand } from "../accounts/directory.ts";
import type { Changes } from "../accounts/edit.ts";
import { isLineOf } from "../accounts/keyline.ts";
import { failureOf, FtpxError } from "../base/errors.ts";
import type { EventSink, ServerEvent } from "../base/events.ts";
import { Lanes } from "../base/lanes.ts";
import { LIST_PAGES_MAX, RENEWALS_HOUR_MAX, SIGN_IN_MS_MAX } from "../base/limits.ts";
import { distinctParameters } from "../base/derivation.ts";
import type { Parameters } from "../base/derivation.ts";
import type { Amount } from "../state/contract.ts";
import type { Depot } from "../vfs/depot.ts";
import { Attendance } from "./attendance.ts";
import { Counters } from "./counters.ts";
import { Admission } from "./admission.ts";
import type { RegistrationMode } from "./admission.ts";
import { Porter } from "./porter.ts";
import type { PorterSettings } from "./porter.ts";
import { Session } from "./session.ts";
import type { Line, Means } from "./session.ts";
import { Sources } from "./sources.ts";

export interface RegistrySettings extends PorterSettings {
  readonly version: string;
  /** From it fake salts are derived. */
  readonly secret: Uint8Array;
  /** Open transfers get so long when the server is told to stop. */
  readonly graceMs: number;
  /** For accounts that name none. */
  readonly quota: Amount;
  /** Whether strangers may ask for an account; all may unless it is named. */
  readonly registration?: RegistrationMode;
  /** Resolves when the log has what was told until now, or cannot take it. */
  readonly noted?: () => Promise<void>;
}

/** Where the accounts are, and where they are written. */
export type AccountBook = Pick<AccountDirectory, "accounts" | "add" | "set" | "settle">;

export class Registry {
  readonly depot: Depot;
  readonly settings: RegistrySettings;
  readonly attendance: Attendance;
  readonly counters = new Counters();
  readonly admission: Admission;
  readonly porter: Porter;
  /** How often each account has changed its own password. */
  readonly renewals = new Sources("PASSWORD_REFUSED", RENEWALS_HOUR_MAX);
  /** One for each page of a listing that is made. */
  readonly listLanes = new Lanes(LIST_PAGES_MAX);
  readonly #emit: EventSink;
  readonly #sessions = new Set<Session>();
  /** Those of the operator, which no bound counts. */
  readonly #operators = new Set<Session>();
  readonly #book: AccountBook;
  #accounts: ReadonlyMap<string, Account>;
  /** Never fewer while the server runs: what is taken out would change the fakes that drew it. */
  #knownParameters: readonly Parameters[];
  #lastId = 0;
  #isDraining = false;
  #stopByMs = Number.POSITIVE_INFINITY;
  readonly #stopping = Promise.withResolvers<void>();

  constructor(depot: Depot, book: AccountBook, settings: RegistrySettings, emit: EventSink) {
    this.depot = depot;
    this.#book = book;
    this.#accounts = book.accounts;
    this.#knownParameters = parametersOf(book.accounts);
    this.settings = settings;
    this.porter = new Porter(settings);
    this.attendance = new Attendance(depot.state);
    this.#emit = emit;
    this.admission = new Admission(
      {
        state: depot.state,
        accounts: () => this.#accounts,
        add: (user, fields) => this.addAccount(user, fields),
        set: (user, changes) => this.changeAccount(user, changes),
        makeHome: (user) => depot.makeHome(user),
        hasLeft: (user) => depot.hasLeft(user),
        emit,
      },
      settings.registration ?? "open",
    );
  }

  get accounts(): ReadonlyMap<string, Account> {
    return this.#accounts;
  }

  /** Password parameters that accounts have or had, so that made-up ones do not stand out. */
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
    for (const session of this.#sessions) count += session.transfers.open.size;
    return count;
  }

  /** Whether any session has something under way. */
  get isBusy(): boolean {
    return [...this.#sessions].some(({ isIdle }) => !isIdle);
  }

  /** @throws FtpxError DRAINING, SERVER_FULL, SOURCE_FULL, THROTTLED */
  admit(line: Line): Session {
    try {
      if (this.#isDraining) throw new FtpxError("DRAINING");
      this.porter.demandRoom(line, performance.now());
    } catch (refusal) {
      this.counters.refusedSessions += 1;
      this.counters.refused(failureOf(refusal).kind);
      throw refusal;
    }
    const session = this.#add(line);
    this.porter.joined(session);
    return session;
  }

  /**
   * A session for the operator, whom the door makes sure of and signs in. No bound keeps it out:
   * when the server is full of others, or waits for them, the operator is needed most.
   */
  admitOperator(line: Line): Session {
    const session = this.#add(line);
    this.#operators.add(session);
    return session;
  }

  signedIn(session: Session): void {
    if (session.account === undefined) return;
    this.porter.signedIn(session, session.account);
    this.attendance.note(session.account.name);
  }

  /** @param failure what has ended it */
  remove(session: Session, failure: FtpxError): void {
    this.#sessions.delete(session);
    this.#operators.delete(session);
    this.porter.left(session, failure);
  }

  /**
   * The account as it is now; nothing when it is gone or disabled, or when what was proved is
   * not its own any more: another password, or a key that is not in its list.
   */
  stillOpen(before: Account, means: Means): Account | undefined {
    const account = this.#accounts.get(before.name);
    if (account === undefined || !mayStay(account, means)) return undefined;
    return isStillProved(before, account, means) ? account : undefined;
  }

  /** Whether the account, as it is given, leaves the session open, whatever its password is. */
  mayStay({ means }: Session, account: Account): boolean {
    return means !== undefined && mayStay(account, means);
  }

  limitOf(account: Account): Amount {
    const { quota } = this.settings;
    return {
      bytes: account.quotaBytes ?? quota.bytes,
      files: account.filesMax ?? quota.files,
    };
  }

  /** In force when this resolves. @throws FtpxError what AccountDirectory.add throws */
  async addAccount(user: string, fields: Changes): Promise<void> {
    await this.#book.add(user, fields);
    this.reload();
  }

  /**
   * In force when this resolves.
   *
   * @param by     has proved itself for this change of password, which does not end it as it
   *   ends others of the account; everything else does
   * @param demand throws when the account, as it stands in the file, must not be changed
   * @throws FtpxError what AccountDirectory.set throws
   */
  async changeAccount(
    user: string,
    changes: Changes,
    by?: Session,
    demand?: Demand,
  ): Promise<void> {
    await this.#book.set(user, changes, demand);
    this.reload(by);
  }

  /** What accounts.toml says now is in force when this resolves, unless it is wrong. */
  async settleAccounts(): Promise<void> {
    await this.#book.settle();
  }

  /** Takes the accounts into live sessions: who may not stay is signed off at once. */
  reload(by?: Session): void {
    const { accounts } = this.#book;
    this.porter.reloaded(this.#accounts, accounts);
    this.#accounts = accounts;
    this.#knownParameters = distinctParameters([
      ...this.#knownParameters,
      ...parametersOf(accounts),
    ]);
    for (const session of this.#sessions) {
      const { account: before, means } = session;
      if (before === undefined || means === undefined) continue;
      const account = session === by ? this.#stillBy(before, means) : this.stillOpen(before, means);
      if (account === undefined) session.line.close(new FtpxError("ACCOUNT_CLOSED"));
      else session.refresh(account);
    }
  }

  /** As `endSessions`, of a user whose account is gone. */
  async signOff(user: string): Promise<void> {
    await this.endSessions(
      ({ account }) => account?.name === user,
      new FtpxError("ACCOUNT_CLOSED"),
    );
  }

  /** Ends sessions, waits until everything of theirs is given back, and answers them. */
  async endSessions(fits: (session: Session) => boolean, failure: FtpxError): Promise<Session[]> {
    const sessions = [...this.#sessions].filter(fits);
    for (const session of sessions) session.line.close(failure);
    await Promise.all(sessions.map((session) => session.end(failure)));
    return sessions;
  }

  /** To be called every WATCH_EVERY_MS. */
  watch(nowMs: number): void {
    // A failing disk is told by whatever else needs it; this one is tried again in a second.
    this.attendance.write().catch(() => {});
    for (const session of this.#sessions) {
      session.transfers.watch(nowMs);
      if (!session.isSignedIn && nowMs - session.beganMs > SIGN_IN_MS_MAX) {
        session.line.close(new FtpxError("SIGN_IN_TOO_LATE"));
      }
    }
  }

  /** Resolves when an operator has said `stop`. */
  get stopping(): Promise<void> {
    return this.#stopping.promise;
  }

  /** When open transfers have had their time, on the clock of performance.now(). */
  get stopByMs(): number {
    return this.#stopByMs;
  }

  /**
   * The server is to stop as soon as nothing is under way, and at the latest in so long; asked
   * again it can only become sooner.
   *
   * @param told the stop begins when this resolves: whoever asked for it has the answer
   * @returns how long that is
   */
  stop(graceMs = this.settings.graceMs, told = Promise.resolve()): number {
    const nowMs = performance.now();
    this.#stopByMs = Math.min(this.#stopByMs, nowMs + graceMs);
    void told.then(() => this.#stopping.resolve());
    return Math.max(0, this.#stopByMs - nowMs);
  }

  /** No new sessions and no new transfers from here on. */
  drain(): void {
    this.#isDraining = true;
  }

  /**
   * Ends the sessions that wait for nothing; to be called again while others drain. The
   * operator's stay, who may want to see what is still under way.
   */
  closeIdle(reason: FtpxError): void {
    for (const session of this.#sessions) {
      if (session.isIdle && !this.#operators.has(session)) session.line.close(reason);
    }
  }

  /** Ends all sessions; open transfers stay resumable. */
  async closeAll(reason: FtpxError): Promise<void> {
    await this.endSessions(() => true, reason);
  }

  emit(event: ServerEvent): void {
    this.counters.heard(event);
    this.#emit(event);
  }

  /** As `stillOpen`, of a session that has just proved the password that was the account's. */
  #stillBy({ name }: Account, means: Means): Account | undefined {
    const account = this.#accounts.get(name);
    return account !== undefined && mayStay(account, means) ? account : undefined;
  }

  #add(line: Line): Session {
    const session = new Session((this.#lastId += 1), line, this);
    this.#sessions.add(session);
    return session;
  }
}

/** Not disabled, and a key that a session was opened with is still in its list. */
function mayStay(account: Account, means: Means): boolean {
  if (account.isDisabled) return false;
  if (means.method === "password") return true;
  return account.keys.some((line) => isLineOf(line, means.publicKey));
}

/** Another password ends what was opened with the old one, and no session of a key. */
function isStillProved(before: Account, after: Account, means: Means): boolean {
  return means.method === "key" || isDeepStrictEqual(before.verifier, after.verifier);
}

function parametersOf(accounts: ReadonlyMap<string, Account>): Parameters[] {
  const verifiers = [...accounts.values()].map(({ verifier }) => verifier);
  return distinctParameters(verifiers.filter((verifier) => verifier !== undefined));
}
