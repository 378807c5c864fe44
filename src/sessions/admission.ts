/**
 * Who asks for an account, and what becomes of it: requests that the operator answers, and
 * invites that answer for themselves.
 *
 * An account is written to accounts.toml first and its request is marked after that. What a
 * crash leaves between the two is told by the verifier, which is the same in both, and finished
 * by `finish` at the next start or by approving again. Nothing that a stranger hears, and no
 * time it takes, depends on whether a name is taken. accounts.toml changes only for a request
 * that was approved or has used up an invite.
 */
import { randomBytes } from "node:crypto";
import type { Account } from "../accounts/account.ts";
import { isUserName } from "../accounts/account.ts";
import type { Changes } from "../accounts/edit.ts";
import { FtpxError, isKind } from "../base/errors.ts";
import type { EventSink } from "../base/events.ts";
import { ANSWER_AGAIN_MS_MAX, ANSWER_AGAIN_MS_MIN, TICKET_BYTES } from "../base/limits.ts";
import { formatQuota } from "../base/units.ts";
import { formatVerifier, parseVerifier, sha256 } from "../base/verifier.ts";
import type {
  AccountLimits,
  InviteRow,
  Registered,
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
  /** Where the server listens; an invite names it. */
  listening: { readonly host: string; readonly port: number } | undefined;
  #waitingCount = 0;
  /** The last of the decisions, which are made one after the other. */
  #deciding: Promise<unknown> = Promise.resolve();

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
    const { state } = this.#ground;
    const ticket = sha256(application.ticket);
    const source = sourceOf(address);
    // Who asks for the same again, because the answer was lost, is not counted again.
    const isCounted = invite === undefined && (await state.registration(ticket)) === undefined;
    if (isCounted) this.#sources.note(source, performance.now());
    const registered = await state.register({
      ticket,
      user,
      verifier,
      note,
      address,
      source,
      invite: invite && sha256(invite),
      nowMs: Date.now(),
    });
    this.#waitingCount = registered.waitingCount;
    const { row } = registered;
    if (row.invite === undefined || row.outcome !== "pending") return registered;
    await this.#inTurn(() => this.#welcome(row.number));
    return { ...registered, row: { ...row, outcome: "approved" } };
  }

  /** What a request has become, for the holder of its ticket; nothing when it is not known. */
  async answer(ticket: Uint8Array): Promise<RegistrationRow | undefined> {
    return await this.#ground.state.registration(sha256(ticket));
  }

  isTaken(user: string): boolean {
    return this.#ground.accounts().has(user);
  }

  async waiting(): Promise<Waiting[]> {
    const rows = await this.#ground.state.registrations();
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
    return await this.#inTurn(async () => {
      const row = await this.#ground.state.registration(number);
      if (row?.outcome !== "pending") {
        throw new FtpxError("NOT_WAITING", { reason: `no request ${number} waits` });
      }
      if (outcome === "approved") await this.#admit(row, limits, mayTakeFiles);
      else await this.#close(row, outcome, reason);
      return row.user;
    });
  }

  /** @throws FtpxError REGISTRATION_OFF, USAGE, ACCOUNT_EXISTS, INVITES_FULL */
  async invite(
    user: string | undefined,
    limits: AccountLimits,
    lifeMs: number,
  ): Promise<Invitation> {
    if (this.#mode === "off") throw new FtpxError("REGISTRATION_OFF");
    if (user !== undefined && !isUserName(user)) throw new FtpxError("USAGE", { reason: NO_NAME });
    if (user !== undefined && this.isTaken(user)) throw new FtpxError("ACCOUNT_EXISTS", { user });
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
    for (const row of await this.waiting()) {
      if (row.invite !== undefined) await this.#inTurn(() => this.#welcome(row.number));
      else if (this.#hasAccount(row)) await this.#inTurn(() => this.#admit(row));
    }
  }

  /** Drops what is too old. */
  async sweep(elapsedMs: number): Promise<void> {
    await this.#ground.state.ageRegistrations(elapsedMs);
  }

  /** Makes the account of a request that has an invite. @throws FtpxError NAME_TAKEN, NOT_NOW */
  async #welcome(number: number): Promise<void> {
    const { state, emit } = this.#ground;
    const row = await state.registration(number);
    // The same request came twice, and the other one was first.
    if (row?.outcome !== "pending") return;
    try {
      await this.#admit(row, row.invite);
    } catch (error) {
      await state.withdraw(number);
      // Whoever picks the name of an account that was removed must not get its files.
      if (isKind(error, "ACCOUNT_EXISTS", "EXISTS"))
        throw new FtpxError("NAME_TAKEN", { user: row.user });
      // What is wrong with the server's files is the operator's to know.
      emit({ event: "fault", work: "invite", name: row.user, reason: String(error) });
      throw new FtpxError("NOT_NOW", {}, { cause: error });
    }
  }

  async #admit(row: RegistrationRow, limits?: AccountLimits, mayTakeFiles = false): Promise<void> {
    const { add, set, makeHome } = this.#ground;
    const { user, verifier } = row;
    const changes = limits === undefined ? {} : changesOf(limits);
    if (!this.#hasAccount(row)) {
      if (this.isTaken(user)) throw new FtpxError("ACCOUNT_EXISTS", { user });
      const isUnused = await makeHome(user);
      if (!isUnused && !mayTakeFiles) throw new FtpxError("EXISTS", { path: `storage/${user}` });
      await add(user, { password: verifier, ...changes });
    } else if (Object.keys(changes).length > 0) await set(user, changes);
    await this.#close(row, "approved", "");
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

  /** One after the other, so that two answers to one request do not meet in accounts.toml. */
  async #inTurn<Value>(work: () => Promise<Value>): Promise<Value> {
    const before = this.#deciding;
    const turn = Promise.withResolvers<void>();
    this.#deciding = turn.promise;
    await before;
    try {
      return await work();
    } finally {
      turn.resolve();
    }
  }
}

const NO_NAME = "not a user name: 1 to 32 of a-z 0-9 . _ -, a letter or digit first";

function refuse(reason: string): never {
  throw new FtpxError("BAD_REGISTRATION", { reason });
}

/** As accounts.toml would be checked. @throws FtpxError BAD_REGISTRATION; no part of the verifier is in it */
function demandUsable(user: string, verifier: string): void {
  if (!isUserName(user)) refuse(NO_NAME);
  parseVerifier(verifier, refuse);
}

function changesOf({ quotaBytes, filesMax, access }: AccountLimits): Changes {
  return {
    ...(quotaBytes === undefined ? {} : { quota: formatQuota(quotaBytes) }),
    ...(filesMax === undefined ? {} : { files: filesMax }),
    ...(access === undefined ? {} : { access }),
  };
}
