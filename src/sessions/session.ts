/**
 * One peer on one connection: who it is, what it may, what it has open.
 *
 * A session begins as a stranger; `signIn` gives it an account and its files.
 * Whatever happens, `end` runs once and gives back all that was claimed: transfers
 * (their parts stay for the next session), listings, the home.
 */
import type { Account } from "../accounts/account.ts";
import { grantsOf } from "../accounts/grants.ts";
import type { Grant } from "../accounts/grants.ts";
import { failureOf, FtpxError } from "../base/errors.ts";
import type { EventValue } from "../base/events.ts";
import type { ServerExchange } from "../base/scram.ts";
import type { Verifier } from "../base/verifier.ts";
import type { Vfs } from "../vfs/vfs.ts";
import { Listings } from "./listings.ts";
import type { Registry } from "./registry.ts";
import { Transfers } from "./transfers.ts";

/** What a row of the command table demands before it runs. */
export type Need = "nothing" | "hello" | "sign-in" | Grant;

/** What the door does for its session. */
export interface Line {
  readonly door: string;
  readonly address: string;
  /** Exported from TLS, RFC 9266; absent where there is none. */
  readonly binding: Uint8Array | undefined;
  /** Of the key that the server showed on it; absent where there is no TLS. */
  readonly fingerprint?: string;
  /** Nothing of the peer's is read for now, so it cannot be late. */
  readonly isHeld: boolean;
  /** The peer is no stranger any more: larger bodies are allowed. */
  widen(): void;
  /** Tells the peer why, and closes. */
  close(reason: FtpxError): void;
  /** Closes at once and without a word. */
  drop(): void;
}

/** A sign-in that has begun, in one way or the other: the last step of one does not end the other. */
export type SignInAttempt = PasswordAttempt | KeyAttempt;

export interface PasswordAttempt {
  readonly method: "password";
  readonly user: string;
  readonly account: Account | undefined;
  readonly exchange: ServerExchange;
}

export interface KeyAttempt {
  readonly method: "key";
  readonly user: string;
  readonly account: Account | undefined;
  /** As it came: of any length, and not necessarily one of the account's. */
  readonly publicKey: Uint8Array;
  readonly nonce: Uint8Array;
}

/** What a session was signed in with. It ends when that is no longer the account's. */
export type Means =
  | { readonly method: "password" }
  | { readonly method: "key"; readonly publicKey: Uint8Array };

/** A change of password that has begun: what its proof must be about. */
export interface RenewalAttempt {
  readonly nonce: Uint8Array;
  /** Of the current password. */
  readonly verifier: Verifier;
}

export class Session {
  readonly id: number;
  readonly line: Line;
  readonly registry: Registry;
  readonly transfers = new Transfers(this);
  readonly listings = new Listings();
  readonly beganMs = performance.now();
  readonly #ending = new AbortController();
  client = "";
  /** The connection stands as it is meant to: with TLS where there is TLS. */
  hasShakenHands = false;
  hasGreeted = false;
  attempt: SignInAttempt | undefined;
  /** Sign-ins that were begun. */
  tries = 0;
  /** It has tried to sign in, and what was to be said to that is said. */
  isJudged = false;
  /** Requests about an account that a stranger has sent. */
  registrationCalls = 0;
  /** Some of them were about nothing that the server knows, or one too many. */
  hasGuessed = false;
  /** Content of files, for the line that tells of the session's end. */
  receivedBytes = 0;
  sentBytes = 0;
  renewal: RenewalAttempt | undefined;
  /** Changes of password that were begun since the last that was made. */
  renewalTries = 0;
  #strangerRequests = 0;
  #account: Account | undefined;
  #means: Means | undefined;
  #vfs: Vfs | undefined;
  #isOperator = false;
  /** The proof was right, the home is being opened. */
  #isEntering = false;
  readonly #running = new Set<Promise<unknown>>();
  #lastRequestMs = this.beganMs;
  #ended: Promise<void> | undefined;

  constructor(id: number, line: Line, registry: Registry) {
    this.id = id;
    this.line = line;
    this.registry = registry;
  }

  get account(): Account | undefined {
    return this.#account;
  }

  /** Nothing for a stranger and for the operator. */
  get means(): Means | undefined {
    return this.#means;
  }

  get isSignedIn(): boolean {
    return this.#account !== undefined || this.#isOperator;
  }

  /** How far a stranger has come, the least first; nothing for who is being let in. */
  get progress(): number | undefined {
    if (this.#isEntering || this.isSignedIn) return undefined;
    if (this.attempt !== undefined || this.registrationCalls > 0) return 3;
    if (this.hasGreeted) return 2;
    return this.hasShakenHands ? 1 : 0;
  }

  /** There is no room for this stranger any more. */
  drop(): void {
    this.line.drop();
  }

  /** Nothing is under way, neither a transfer nor a request. */
  get isIdle(): boolean {
    return this.transfers.open.size === 0 && this.#running.size === 0;
  }

  /** When the peer last asked for something, or content last moved; now, while it is answered. */
  lastActiveMs(nowMs: number): number {
    if (this.#running.size > 0) return nowMs;
    const moved = [...this.transfers.open.values()].map(({ motion }) => motion.lastMovedMs);
    return Math.max(this.#lastRequestMs, ...moved);
  }

  /** Aborted when the session ends, so that long work done for it can stop. */
  get signal(): AbortSignal {
    return this.#ending.signal;
  }

  /** The files of the account. @throws FtpxError NOT_SIGNED_IN */
  get vfs(): Vfs {
    if (this.#vfs === undefined) throw new FtpxError("NOT_SIGNED_IN");
    return this.#vfs;
  }

  /** @throws FtpxError BAD_STATE, NOT_SIGNED_IN, FORBIDDEN */
  require(need: Need): void {
    if (need === "nothing") return;
    if (!this.hasGreeted) throw new FtpxError("BAD_STATE", { reason: "hello comes first" });
    if (need === "hello") return;
    if (!this.isSignedIn) {
      this.#strangerRequests += 1;
      throw new FtpxError("NOT_SIGNED_IN");
    }
    if (need === "sign-in") return;
    if (!this.may(need)) throw new FtpxError("FORBIDDEN", { right: need });
  }

  may(grant: Grant): boolean {
    if (this.#isOperator) return grant === "admin";
    return this.#account !== undefined && grantsOf(this.#account.access).has(grant);
  }

  /** A stranger that keeps asking for files is not somebody who forgot to sign in. */
  get isIntrusive(): boolean {
    return this.#strangerRequests > 1;
  }

  /** One sign-in on a connection, and one at a time. @throws FtpxError BAD_STATE */
  demandStranger(): void {
    if (this.isSignedIn) throw new FtpxError("BAD_STATE", { reason: "signed in already" });
    if (this.#isEntering) throw new FtpxError("BAD_STATE", { reason: "a sign-in is under way" });
  }

  /**
   * @returns false when the account was closed or changed while its home was being opened
   * @throws FtpxError BAD_STATE, CONNECTION_LOST, USER_FULL
   */
  async signIn(account: Account, means: Means): Promise<boolean> {
    this.demandStranger();
    this.#isEntering = true;
    this.isJudged = true;
    try {
      return await this.#enter(account, means);
    } finally {
      this.#isEntering = false;
    }
  }

  /** The peer is the operator on this machine; the door has made sure of that. */
  signInOperator(): void {
    this.#isOperator = true;
    this.hasGreeted = true;
    this.registry.signedIn(this);
    this.line.widen();
  }

  /** accounts.toml has changed; rights and limits hold from here on, for what is open too. */
  refresh(account: Account): void {
    this.#account = account;
    this.transfers.refresh((grant) => this.may(grant));
  }

  /** Runs a request; as long as it runs the session is not idle, and its home stays open. */
  async during<Value>(request: () => Promise<Value>): Promise<Value> {
    const running = request();
    this.#running.add(running);
    try {
      return await running;
    } finally {
      this.#running.delete(running);
      this.#lastRequestMs = performance.now();
    }
  }

  emit(event: string, fields: Record<string, EventValue> = {}): void {
    const { address, door } = this.line;
    const user = this.#account?.name;
    this.registry.emit({ event, session: this.id, door, user, address, ...fields });
  }

  /** What was told until now is in the log: whoever hears of it can rely on that. */
  async noted(): Promise<void> {
    await this.registry.settings.noted?.();
  }

  end(failure: FtpxError): Promise<void> {
    this.#ended ??= this.#release(failure);
    return this.#ended;
  }

  async #enter(account: Account, means: Means): Promise<boolean> {
    const { registry } = this;
    const limit = () => registry.limitOf(this.#account ?? account);
    const entering = registry.depot.enter(account.name, limit);
    const vfs = await entering.catch((error: unknown) => {
      const { kind, details } = failureOf(error);
      const reason = details.path === undefined ? kind : `${kind} ${details.path}`;
      this.emit("fault", { work: "home", name: account.name, reason });
      throw error;
    });
    // Opening a home takes time: the account may have been closed, the peer may have gone.
    const current = registry.stillOpen(account, means);
    const full = registry.porter.fullFor(account);
    const isGone = this.#ended !== undefined;
    if (isGone || current === undefined || full !== undefined) await vfs.leave();
    if (isGone) throw new FtpxError("CONNECTION_LOST");
    if (current === undefined) return false;
    if (full !== undefined) throw full;
    this.#account = current;
    this.#means = means;
    this.#vfs = vfs;
    registry.signedIn(this);
    this.line.widen();
    return true;
  }

  async #release(failure: FtpxError): Promise<void> {
    this.#ending.abort(failure);
    const isBusy = this.transfers.open.size > 0;
    // To close the connection while nothing is under way is how a client leaves.
    const isLeaving = failure.kind === "CONNECTION_LOST" && failure.cause === undefined;
    const reason = isLeaving && !isBusy ? "LEFT" : failure.kind;
    await this.transfers.endAll(failure);
    // A request that goes on works in the home by its descriptor, whose number is another home's
    // as soon as this one is closed. Strangers and operators have none, and theirs may wait for us.
    if (this.#vfs !== undefined) await Promise.allSettled(this.#running);
    await this.listings.closeAll();
    await this.#vfs?.leave();
    this.registry.remove(this, failure);
    if (this.#account === undefined) return;
    const { receivedBytes, sentBytes } = this;
    const seconds = Math.round(performance.now() - this.beganMs) / 1000;
    this.emit("session-ended", { reason, seconds, receivedBytes, sentBytes });
  }
}
