/**
 * Who asks for an account, and what becomes of it: requests that the operator answers, and
 * invites that answer for themselves.
 *
 * An account is written to accounts.toml first and its request is marked after that. What a
 * crash leaves between the two is told by the verifier, which is the same in both, and finished
 * by `finish` at the next start or by approving again; an invite never changes an account that
 * was there before. Nothing that a stranger hears, and no time it takes, depends on whether a
 * name is taken. accounts.toml changes only for a request that was approved or has used up an
 * invite.
 */
import { randomBytes } from "node:crypto";
import type { Account } from "../accounts/account.ts";
import { isUserName } from "../accounts/account.ts";
import type { Changes } from "../accounts/edit.ts";
import { FtpxError, isKind } from "../base/errors.ts";
import type { EventSink } from "../base/events.ts";
import { Turnstile } from "../base/turnstile.ts";
import { ANSWER_AGAIN_MS_MAX, ANSWER_AGAIN_MS_MIN, TICKET_BYTES } from "../base/limits.ts";
import { formatQuota } from "../base/units.ts";
import { sha256 } from "../base/derivation.ts";
import { formatVerifier, parseNewVerifier } from "../base/verifier.ts";
import type {
  AccountLimits,
  InviteRow,
  Registered,
  RegistrationIntent,
  RegistrationRow,
  Registrations,
} from "../state/contract.ts";
import { sourceOf, Sources } from "./sources.ts";

/** Whether strangers may ask for an account: all, those with an invite, nobody. */
export const REGISTRATION_MODES = ["open", "invite", "off"] as const;
export type RegistrationMode = (typeof REGISTRATION_MODES)[number];

/** What somebody sends who wants an account. */
export interface Application {
  readonly user: string;
  /** As accounts.toml has it. */
  readonly verifier: string;
  readonly note: string;
  readonly ticket: Uint8Array;
  readonly invite: Uint8Array | undefined;
}

export interface Decision extends AccountLimits {
  readonly number: number;
  readonly outcome: "approved" | "denied";
  readonly reason: string;
  /** What an earlier account of that name has left becomes theirs. */
  readonly mayTakeFiles: boolean;
}

export interface Invitation {
  readonly number: number;
  /** Shown to its maker now and known to nobody afterwards. */
  readonly code: Uint8Array;
  readonly expiresMs: number;
}

/** A request that waits, as the operator sees it. */
export type Waiting = RegistrationRow & { readonly isTaken: boolean };

/** What admission works on, in a server and in a command without one. */
export interface AdmissionGround {
  readonly state: Registrations;
  readonly accounts: () => ReadonlyMap<string, Account>;
  /** Both are in force when they resolve. */
  readonly add: (user: string, fields: Changes) => Promise<void>;
  readonly set: (user: string, changes: Changes) => Promise<void>;
  /** Answers whether nothing is there of an earlier account of that name. */
  readonly makeHome: (user: string) => Promise<boolean>;
  /** Answers whether something is there of an earlier account of that name, and makes nothing. */
  readonly hasLeft: (user: string) => Promise<boolean>;
  readonly emit: EventSink;
}

/** The end of the year 9999: what is later cannot be written as a date by everybody. */
const EXPIRY_MS_MAX = 253_402_300_799_999;

/** Requests that wait make others ask again later: 1,000 of them cost 100 connections a second. */
const AGAIN_MS_PER_WAITING = 10;

export class Admission {
  readonly #ground: AdmissionGround;
  readonly #mode: RegistrationMode;
  readonly #sources = new Sources();
  /** Of those who sent an invite that was not good. */
  readonly #guessers = new Sources();
  /** Where the server listens; an invite names it. */
  listening: { readonly host: string; readonly port: number } | undefined;
  #waitingCount = 0;
  /**
   * Requests and decisions come one after the other, so that nothing of a request changes while
   * its account is made.
   */
  readonly #turns = new Turnstile();
  /** The account is there, and the database could not be told; it is told again. */
  readonly #unmarked = new Map<number, RegistrationRow>();

  constructor(ground: AdmissionGround, mode: RegistrationMode) {
    this.#ground = ground;
    this.#mode = mode;
  }

  /** When somebody who waits may ask again. */
  get againMs(): number {
    const wantedMs = this.#waitingCount * AGAIN_MS_PER_WAITING;
    return Math.min(ANSWER_AGAIN_MS_MAX, Math.max(ANSWER_AGAIN_MS_MIN, wantedMs));
  }

  /**
   * Keeps a request for the operator; with an invite the account is there when this resolves.
   *
   * @throws FtpxError REGISTRATION_OFF, BAD_REGISTRATION, REGISTERED_OFTEN, REGISTRATIONS_FULL;
   *   with an invite BAD_INVITE, NAME_TAKEN, NOT_NOW
   */
  async register(application: Application, address: string): Promise<Registered> {
    const { user, verifier, note, invite } = application;
    const mayAsk = this.#mode === "open" || (this.#mode === "invite" && invite !== undefined);
    if (!mayAsk) throw new FtpxError("REGISTRATION_OFF");
    demandUsable(user, verifier);
    const intent = {
      ticket: sha256(application.ticket),
      user,
      verifier,
      note,
      address,
      source: sourceOf(address),
      invite: invite && sha256(invite),
      nowMs: Date.now(),
    };
    if (invite === undefined) return await this.#turns.run(() => this.#keep(intent));
    return await this.#countingGuesses(intent.source, () =>
      this.#turns.run(() => this.#keep(intent)),
    );
  }

  /** What a request has become, for the holder of its ticket; nothing when it is not known. */
  async answer(ticket: Uint8Array): Promise<RegistrationRow | undefined> {
    const row = await this.#ground.state.registration(sha256(ticket));
    if (row === undefined || !this.#unmarked.has(row.number)) return row;
    return { ...row, outcome: "approved" };
  }

  isTaken(user: string): boolean {
    return this.#ground.accounts().has(user);
  }

  async waiting(): Promise<Waiting[]> {
    const kept = await this.#ground.state.registrations();
    const rows = kept.filter(({ number }) => !this.#unmarked.has(number));
    this.#waitingCount = rows.length;
    return rows.map((row) => ({ ...row, isTaken: this.isTaken(row.user) }));
  }

  /**
   * The operator's answer. Approved again after a crash, it finishes what was begun.
   *
   * @returns the request's name
   * @throws  FtpxError NOT_WAITING, ACCOUNT_EXISTS, and what accounts.toml is refused with;
   *   EXISTS when an earlier account of that name has left files
   */
  async decide({ number, outcome, reason, mayTakeFiles, ...limits }: Decision): Promise<string> {
    return await this.#turns.run(async () => {
      const row = await this.#ground.state.registration(number);
      if (row?.outcome !== "pending" || this.#unmarked.has(number)) {
        throw new FtpxError("NOT_WAITING", { reason: `no request ${number} waits` });
      }
      if (outcome === "approved") await this.#admit(row, limits, mayTakeFiles);
      else await this.#close(row, outcome, reason);
      return row.user;
    });
  }

  /**
   * @throws FtpxError REGISTRATION_OFF, USAGE, ACCOUNT_EXISTS, INVITES_FULL; EXISTS when an
   *   earlier account of that name has left files, because nobody could use the invite
   */
  async invite(
    user: string | undefined,
    limits: AccountLimits,
    lifeMs: number,
  ): Promise<Invitation> {
    if (this.#mode === "off") throw new FtpxError("REGISTRATION_OFF");
    if (user !== undefined && !isUserName(user)) throw new FtpxError("USAGE", { reason: NO_NAME });
    if (user !== undefined && this.isTaken(user)) throw new FtpxError("ACCOUNT_EXISTS", { user });
    if (user !== undefined && (await this.#ground.hasLeft(user))) throw leftFiles(user);
    const code = new Uint8Array(randomBytes(TICKET_BYTES));
    const expiresMs = Math.min(Date.now() + lifeMs, EXPIRY_MS_MAX);
    const intent = { ...limits, code: sha256(code), user, expiresMs };
    const number = await this.#ground.state.addInvite(intent);
    const expires = new Date(expiresMs).toISOString();
    this.#ground.emit({ event: "invite", number, name: user, expires });
    return { number, code, expiresMs };
  }

  async invites(): Promise<InviteRow[]> {
    return await this.#ground.state.invites();
  }

  async revokeInvite(number: number): Promise<boolean> {
    const isRevoked = await this.#ground.state.revokeInvite(number);
    if (isRevoked) this.#ground.emit({ event: "invite-revoked", number });
    return isRevoked;
  }

  /** Ends what a crash has cut off between two steps. To be called when the server starts. */
  async finish(): Promise<void> {
    for (const { number } of await this.waiting()) {
      await this.#turns.run(async () => {
        const row = await this.#ground.state.registration(number);
        if (row?.outcome !== "pending") return;
        if (this.#hasAccount(row)) await this.#mark(row);
        else if (row.invite !== undefined) await this.#welcome(row).catch(unlessRefused);
      });
    }
  }

  /** Drops what is too old, and marks what could not be marked before. */
  async sweep(elapsedMs: number): Promise<void> {
    for (const row of this.#unmarked.values()) await this.#turns.run(() => this.#mark(row));
    await this.#ground.state.ageRegistrations(elapsedMs);
  }

  /** One step of `register`, in its turn. */
  async #keep(intent: RegistrationIntent): Promise<Registered> {
    const { state } = this.#ground;
    const known = await state.registration(intent.ticket);
    // Who asks for the same again, because the answer was lost, is not counted again.
    const isSame = known !== undefined && ["", intent.verifier].includes(known.verifier);
    if (intent.invite === undefined && !isSame) {
      this.#sources.note(intent.source, performance.now());
    }
    const isMade = known?.invite !== undefined && this.#hasAccount(known);
    if (isMade && known.user === intent.user) return await this.#complete(known, intent);
    const registered = await state.register(intent);
    this.#waitingCount = registered.waitingCount;
    const { row } = registered;
    if (row.invite === undefined || row.outcome !== "pending") return registered;
    await this.#welcome(row);
    return { ...registered, row: { ...row, outcome: "approved" } };
  }

  /**
   * The account was made and its maker did not hear of it: the request comes again, with the
   * password typed once more.
   */
  async #complete(known: RegistrationRow, { verifier }: RegistrationIntent): Promise<Registered> {
    if (verifier !== known.verifier) await this.#ground.set(known.user, { password: verifier });
    await this.#mark(known);
    const row = { ...known, outcome: "approved" } as const;
    return { row, isKnown: true, waitingCount: this.#waitingCount, sameNameCount: 0 };
  }

  /** Counted before it is looked up, or many at once would all be looked up. @throws FtpxError */
  async #countingGuesses<Value>(source: string, work: () => Promise<Value>): Promise<Value> {
    const askedMs = performance.now();
    this.#guessers.note(source, askedMs);
    try {
      const value = await work();
      this.#guessers.forgive(source, askedMs);
      return value;
    } catch (error) {
      if (!isKind(error, "BAD_INVITE")) this.#guessers.forgive(source, askedMs);
      throw error;
    }
  }

  /**
   * Makes the account of a request that has an invite and none yet. An account that is there is
   * never changed, not even the one of whoever asks. @throws FtpxError NAME_TAKEN, NOT_NOW
   */
  async #welcome(row: RegistrationRow): Promise<void> {
    const { state, emit } = this.#ground;
    try {
      await this.#make(row, row.invite ?? NO_LIMITS, false);
    } catch (error) {
      await state.withdraw(row.number);
      // Whoever picks the name of an account that was removed must not get its files.
      if (isKind(error, "ACCOUNT_EXISTS", "EXISTS"))
        throw new FtpxError("NAME_TAKEN", { user: row.user });
      // What is wrong with the server's files is the operator's to know.
      emit({ event: "fault", work: "invite", name: row.user, reason: String(error) });
      throw new FtpxError("NOT_NOW", {}, { cause: error });
    }
    await this.#mark(row);
  }

  /** The account is there, so that is what is said, also where it cannot be noted now. */
  async #mark(row: RegistrationRow): Promise<void> {
    try {
      await this.#close(row, "approved", "");
      this.#unmarked.delete(row.number);
    } catch (error) {
      const isNew = !this.#unmarked.has(row.number);
      this.#unmarked.set(row.number, row);
      if (!isNew) return;
      const reason = String(error);
      this.#ground.emit({ event: "fault", work: "registration", name: row.user, reason });
    }
  }

  async #admit(row: RegistrationRow, limits: AccountLimits, mayTakeFiles: boolean): Promise<void> {
    const changes = changesOf(limits);
    if (!this.#hasAccount(row)) await this.#make(row, limits, mayTakeFiles);
    else if (Object.keys(changes).length > 0) await this.#ground.set(row.user, changes);
    await this.#close(row, "approved", "");
  }

  /** @throws FtpxError ACCOUNT_EXISTS; EXISTS when an earlier account has left files */
  async #make(
    { user, verifier }: RegistrationRow,
    limits: AccountLimits,
    mayTakeFiles: boolean,
  ): Promise<void> {
    const { add, makeHome } = this.#ground;
    if (this.isTaken(user)) throw new FtpxError("ACCOUNT_EXISTS", { user });
    const isUnused = await makeHome(user);
    if (!isUnused && !mayTakeFiles) throw leftFiles(user);
    await add(user, { password: verifier, ...changesOf(limits) });
  }

  async #close(
    { number, user }: RegistrationRow,
    outcome: "approved" | "denied",
    reason: string,
  ): Promise<void> {
    if (!(await this.#ground.state.decide(number, outcome, reason))) return;
    this.#waitingCount = Math.max(0, this.#waitingCount - 1);
    const why = reason === "" ? undefined : reason;
    this.#ground.emit({
      event: "registration-decided",
      name: user,
      number,
      outcome,
      reason: why,
    });
  }

  /** Whether the account is there that this request asks for, and not another one of its name. */
  #hasAccount({ user, verifier }: RegistrationRow): boolean {
    const found = this.#ground.accounts().get(user)?.verifier;
    return found !== undefined && formatVerifier(found) === verifier;
  }
}

function leftFiles(user: string): FtpxError {
  return new FtpxError("EXISTS", { path: `storage/${user}` });
}

const NO_LIMITS: AccountLimits = { quotaBytes: undefined, filesMax: undefined, access: undefined };

/** What was refused was told, or is the business of whoever asked. */
function unlessRefused(error: unknown): void {
  if (!isKind(error, "NAME_TAKEN", "NOT_NOW")) throw error;
}

const NO_NAME = "not a user name: 1 to 32 of a-z 0-9 . _ -, a letter or digit first";

function refuse(reason: string): never {
  throw new FtpxError("BAD_REGISTRATION", { reason });
}

/**
 * As accounts.toml would be checked.
 *
 * @throws FtpxError BAD_REGISTRATION; no part of the verifier is in it
 */
function demandUsable(user: string, verifier: string): void {
  if (!isUserName(user)) refuse(NO_NAME);
  parseNewVerifier(verifier, refuse);
}

function changesOf({ quotaBytes, filesMax, access }: AccountLimits): Changes {
  return {
    ...(quotaBytes === undefined ? {} : { quota: formatQuota(quotaBytes) }),
    ...(filesMax === undefined ? {} : { files: filesMax }),
    ...(access === undefined ? {} : { access }),
  };
}
