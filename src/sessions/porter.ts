/**
 * Who comes in: caps on connections, sessions and strangers, and what becomes of who fails to sign
 * in (throttle.ts), for all doors.
 *
 * A session is counted from `let` or `join` to `left`. Everything that is refused here is a typed
 * error; what shuts a source out or guards a name is told to the operator once, when it begins.
 * The operator's own sessions do not come by here.
 */
import { isDeepStrictEqual } from "node:util";
import type { Account } from "../accounts/account.ts";
import { FtpxError, isKind } from "../base/errors.ts";
import { SOURCE_SESSIONS_PERCENT, USER_SESSIONS_PERCENT } from "../base/limits.ts";
import { Networks } from "./networks.ts";
import type { Line, Session } from "./session.ts";
import { sourceOf } from "./sources.ts";
import { Strangers } from "./strangers.ts";
import { Headcount } from "./headcount.ts";
import { Throttle } from "./throttle.ts";
import type { Knock, Offence } from "./throttle.ts";

export interface PorterSettings {
  readonly sessionsMax: number;
  /** Of one source; its share of all unless it is named. */
  readonly sourceSessionsMax?: number | undefined;
  /** Of one account; its share of all unless it is named. */
  readonly userSessionsMax?: number | undefined;
  /** Addresses and networks behind which many people stand: bounded by account, not by source. */
  readonly exempt?: readonly string[] | undefined;
}

type Accounts = ReadonlyMap<string, Account>;

export class Porter {
  readonly throttle = new Throttle();
  readonly #sessionsMax: number;
  readonly #sourceSessionsMax: number;
  readonly #userSessionsMax: number;
  readonly #shared: Networks;
  readonly #strangers = new Strangers<Session>();
  /** Each with its source, so that it is taken away once. */
  readonly #sources = new Map<Session, string>();
  /** Those of accounts. */
  readonly #users = new Map<Session, string>();
  readonly #bySource = new Headcount();
  readonly #byUser = new Headcount();

  /** @throws FtpxError USAGE for an exempt network that is none */
  constructor({ sessionsMax, sourceSessionsMax, userSessionsMax, exempt }: PorterSettings) {
    this.#sessionsMax = sessionsMax;
    const share = (percent: number) => Math.ceil((sessionsMax * percent) / 100);
    this.#sourceSessionsMax = sourceSessionsMax ?? share(SOURCE_SESSIONS_PERCENT);
    this.#userSessionsMax = userSessionsMax ?? share(USER_SESSIONS_PERCENT);
    this.#shared = new Networks(exempt);
  }

  get strangerCount(): number {
    return this.#strangers.size;
  }

  /** @throws FtpxError SERVER_FULL, SOURCE_FULL, THROTTLED */
  demandRoom({ address }: Line, nowMs: number): void {
    const source = sourceOf(address);
    const isShared = this.#shared.has(address);
    if (this.#sources.size >= this.#sessionsMax) {
      throw new FtpxError("SERVER_FULL", { limit: this.#sessionsMax });
    }
    if (!isShared && this.#bySource.of(source) >= this.#sourceSessionsMax) {
      throw new FtpxError("SOURCE_FULL", { limit: this.#sourceSessionsMax });
    }
    // Where somebody is known, it is seen at the sign-in who comes.
    if (!isShared) demandNoWait(this.throttle.closedMs(source, nowMs));
    this.#strangers.makeRoom(source);
  }

  joined(session: Session): void {
    const source = sourceOf(session.line.address);
    this.#sources.set(session, source);
    this.#bySource.add(source);
    this.#strangers.add(session, source);
  }

  /**
   * Before a proof is looked at. The same for every kind of name. @throws FtpxError THROTTLED
   */
  demandTurn(session: Session, user: string, method: Knock["method"]): void {
    const knock = this.#knockOf(session, user, method);
    const waitMs = this.throttle.waitMs(knock, performance.now());
    if (waitMs > 0) session.isJudged = true;
    demandNoWait(waitMs);
  }

  /** The proof was wrong, or there is no such account. @throws FtpxError THROTTLED */
  failed(session: Session, user: string, method: Knock["method"]): void {
    const nowMs = performance.now();
    session.isJudged = true;
    const knock = this.#knockOf(session, user, method);
    // As it was before: who fails first is told so.
    const waitMs = this.throttle.strangerWaitMs(knock, nowMs);
    const { shutOutMs, isGuarded } = this.throttle.failed(knock, nowMs);
    tellShutOut(session, shutOutMs);
    if (isGuarded && session.registry.accounts.has(user)) {
      session.emit("guarded", { name: user });
    }
    demandNoWait(waitMs);
  }

  /** Why the account gets no further session, if it does not. */
  fullFor({ name }: Account): FtpxError | undefined {
    const limit = this.#userSessionsMax;
    return this.#byUser.of(name) < limit ? undefined : new FtpxError("USER_FULL", { limit });
  }

  signedIn(session: Session, { name }: Account): void {
    if (!this.#strangers.remove(session)) return;
    this.#users.set(session, name);
    this.#byUser.add(name);
    const method = session.means?.method ?? "password";
    this.throttle.succeeded(this.#knockOf(session, name, method));
  }

  left(session: Session, failure: FtpxError): void {
    const source = this.#sources.get(session);
    if (source === undefined) return;
    this.#sources.delete(session);
    this.#bySource.remove(source);
    const user = this.#users.get(session);
    if (user !== undefined) this.#byUser.remove(user);
    this.#users.delete(session);
    const wasStranger = this.#strangers.remove(session);
    const offence = offenceOf(session, failure);
    if (!wasStranger || offence === undefined || this.#shared.has(session.line.address)) return;
    tellShutOut(session, this.throttle.offended(source, offence, performance.now()));
  }

  /** An account that somebody has changed begins anew; with another password, everywhere. */
  reloaded(before: Accounts, after: Accounts): void {
    for (const name of new Set([...before.keys(), ...after.keys()])) {
      const [was, is] = [before.get(name), after.get(name)];
      if (isDeepStrictEqual(was, is)) continue;
      this.throttle.changed(name, !isDeepStrictEqual(was?.verifier, is?.verifier));
    }
  }

  #knockOf({ line }: Session, user: string, method: Knock["method"]): Knock {
    const { address } = line;
    return { user, method, source: sourceOf(address), isShared: this.#shared.has(address) };
  }
}

/** @throws FtpxError THROTTLED */
function demandNoWait(waitMs: number): void {
  if (waitMs > 0) throw new FtpxError("THROTTLED", { retryAfterMs: Math.ceil(waitMs) });
}

function tellShutOut(session: Session, shutOutMs: number | undefined): void {
  if (shutOutMs === undefined) return;
  session.emit("throttled", { seconds: Math.ceil(shutOutMs / 1000) });
}

/** What a stranger that has gone is to be held to; nothing where it is not to blame. */
function offenceOf(session: Session, failure: FtpxError): Offence | undefined {
  if (isKind(failure, "SIGN_IN_TOO_LATE")) return "late";
  // What it tried has cost it already, or the server sends everybody away.
  if (session.isJudged || isKind(failure, "DRAINING", "KICKED")) return undefined;
  // Requests for an account have bounds of their own.
  if (session.registrationCalls > 0) return session.hasGuessed ? "look" : undefined;
  const isLook = session.hasShakenHands && !session.hasGreeted;
  return isLook && isKind(failure, "CONNECTION_LOST") ? "look" : "idle";
}
