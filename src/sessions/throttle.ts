/**
 * How often who may knock: whether a proof is looked at, by the source and by the name for which
 * it comes.
 *
 * Strangers of a source share one penalty, and regulars, who have signed in to that account from
 * there before, another one: who guesses behind a shared address does not keep those out who are
 * known there, and each of the two is bounded. A name's delay holds for strangers with passwords;
 * a key cannot be guessed. Nothing here knows whether a name has an account. All of it is in
 * memory and bounded, on the caller's monotonic clock; nothing is asked of a wall clock.
 */
import {
  NAME_DELAY_MS_MAX,
  PENALISED_SOURCES_MAX,
  PENALTY_FAILED_MS,
  PENALTY_IDLE_MS,
  PENALTY_LATE_MS,
  PENALTY_LOOK_MS,
  SOURCES_MAX,
} from "../base/limits.ts";
import { FailedNames } from "./failednames.ts";
import { Penalties } from "./penalties.ts";
import { Regulars } from "./regulars.ts";

/** Who wants to sign in, and how. */
export interface Knock {
  readonly user: string;
  readonly source: string;
  readonly method: "password" | "key";
  /** Many people stand behind the source, says the operator: it gets no penalty as such. */
  readonly isShared: boolean;
}

/** What a failure has brought about. */
export interface Consequence {
  /** For how long the source is shut out from now on, if it was not before. */
  readonly shutOutMs: number | undefined;
  /** The name is guarded from now on. */
  readonly isGuarded: boolean;
}

/** Besides a failed sign-in. */
const OFFENCES = {
  late: PENALTY_LATE_MS,
  idle: PENALTY_IDLE_MS,
  look: PENALTY_LOOK_MS,
} as const;
export type Offence = keyof typeof OFFENCES;

export class Throttle {
  /** Two tables, because whoever has one IPv6 network often has 65,536 of them. */
  readonly #strangers4 = new Penalties(PENALISED_SOURCES_MAX / 2);
  readonly #strangers6 = new Penalties(PENALISED_SOURCES_MAX / 2);
  readonly #regularsPenalties = new Penalties(SOURCES_MAX);
  readonly #names = new FailedNames();
  readonly #regulars = new Regulars();

  /** How long a source is shut out from which nobody was ever signed in; 0 when it is not. */
  closedMs(source: string, nowMs: number): number {
    return this.#regulars.knows(source) ? 0 : this.#strangersOf(source).remainingMs(source, nowMs);
  }

  /** How long the proof of this knock is not looked at; 0 when it is. */
  waitMs(knock: Knock, nowMs: number): number {
    if (!this.#isRegular(knock)) return this.strangerWaitMs(knock, nowMs);
    const { source } = knock;
    const ownMs = knock.isShared ? 0 : this.#regularsPenalties.remainingMs(source, nowMs);
    return Math.max(ownMs, this.#sharedDelayMs(knock, nowMs));
  }

  /**
   * The same as if the account had never been signed in to from there: what a regular hears whose
   * proof was wrong, or the answer would tell who is one.
   */
  strangerWaitMs({ user, source, method, isShared }: Knock, nowMs: number): number {
    const sourceMs = isShared ? 0 : this.#strangersOf(source).remainingMs(source, nowMs);
    const nameMs = method === "key" ? 0 : this.#names.remainingMs(user, nowMs);
    return Math.max(sourceMs, nameMs);
  }

  failed(knock: Knock, nowMs: number): Consequence {
    const { user, source, method, isShared } = knock;
    const isRegular = this.#isRegular(knock);
    const penalties = isRegular ? this.#regularsPenalties : this.#strangersOf(source);
    const shutOutMs = isShared ? undefined : penalties.add(source, PENALTY_FAILED_MS, nowMs);
    const isCounted = method === "password" && (!isRegular || isShared);
    const isGuarded = isCounted && this.#names.add(user, source, nowMs, isShared);
    return { shutOutMs, isGuarded };
  }

  succeeded({ user, source, method }: Knock): void {
    const isNew = this.#regulars.add(user, source);
    // A regular, or a key, proves nothing about who is trying passwords elsewhere.
    if (isNew && method === "password") this.#names.forget(user);
  }

  /** @returns for how long the source is shut out, if it is so only since this */
  offended(source: string, offence: Offence, nowMs: number): number | undefined {
    return this.#strangersOf(source).add(source, OFFENCES[offence], nowMs);
  }

  /**
   * The operator, or its owner, has changed the account.
   *
   * @param isOther its password is another one, so nobody has proved it anywhere
   */
  changed(user: string, isOther: boolean): void {
    this.#names.forget(user);
    if (isOther) this.#regulars.forget(user);
  }

  /** For monitoring. */
  counts(nowMs: number): { readonly sources: number; readonly names: number } {
    const tables = [this.#strangers4, this.#strangers6, this.#regularsPenalties];
    const sources = tables.flatMap((table) => [...table.shutOut(nowMs)]).length;
    return { sources, names: this.#names.guardedCount(nowMs) };
  }

  #isRegular({ user, source }: Knock): boolean {
    return this.#regulars.has(user, source);
  }

  /** Behind a shared source a guesser is a regular too, so the delay holds there, if no guard. */
  #sharedDelayMs({ user, method, isShared }: Knock, nowMs: number): number {
    if (!isShared || method === "key") return 0;
    return this.#names.remainingMs(user, nowMs, NAME_DELAY_MS_MAX);
  }

  #strangersOf(source: string): Penalties {
    return source.includes(":") ? this.#strangers6 : this.#strangers4;
  }
}
