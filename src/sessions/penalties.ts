/**
 * Penalties of sources, after OpenSSH's PerSourcePenalties: each offence adds to a time, and a
 * source whose time has reached PENALTY_MS_MIN is shut out until it has passed.
 *
 * What differs from OpenSSH: a penalty grows with what the source has done lately, so that it is
 * of no use to wait each one off. When there are too many sources, the one that is free soonest is
 * forgotten: whoever wants a penalty forgotten must have many sources with a longer one each.
 * Times are of the caller's monotonic clock.
 */
import {
  PENALTY_DOUBLED_AFTER_MS,
  PENALTY_MEMORY_MS,
  PENALTY_MS_MAX,
  PENALTY_MS_MIN,
} from "../base/limits.ts";
import { Ranking } from "./ranking.ts";

interface Penalty {
  readonly untilMs: number;
  /** It has been long enough to shut the source out, and still does until it ends. */
  readonly isEnforced: boolean;
  /** What its offences would have cost had each cost the same. */
  readonly plainMs: number;
}

export class Penalties {
  readonly #sourcesMax: number;
  /** By the second in which each is free. */
  readonly #penalties = new Ranking<Penalty>(({ untilMs }) => Math.floor(untilMs / 1000));

  constructor(sourcesMax: number) {
    this.#sourcesMax = sourcesMax;
  }

  /** Sources that are remembered, shut out or not. */
  get size(): number {
    return this.#penalties.size;
  }

  /** @returns for how long the source is shut out, if it is so only since this offence */
  add(source: string, offenceMs: number, nowMs: number): number | undefined {
    this.#forgetUntil(nowMs - PENALTY_MEMORY_MS);
    const before = this.#penalties.find(source);
    const plainMs = before?.plainMs ?? 0;
    const addedMs = offenceMs * 2 ** Math.floor(plainMs / PENALTY_DOUBLED_AFTER_MS);
    const fromMs = Math.max(nowMs, before?.untilMs ?? 0);
    const untilMs = Math.min(fromMs + addedMs, nowMs + PENALTY_MS_MAX);
    const wasEnforced = before !== undefined && before.isEnforced && before.untilMs > nowMs;
    const isEnforced = wasEnforced || untilMs - nowMs >= PENALTY_MS_MIN;
    this.#penalties.set(source, { untilMs, isEnforced, plainMs: plainMs + offenceMs });
    if (this.#penalties.size > this.#sourcesMax) this.#penalties.forgetLowest();
    return isEnforced && !wasEnforced ? untilMs - nowMs : undefined;
  }

  /** How long the source is still shut out; 0 when it is not. */
  remainingMs(source: string, nowMs: number): number {
    const penalty = this.#penalties.find(source);
    return penalty?.isEnforced === true ? Math.max(0, penalty.untilMs - nowMs) : 0;
  }

  /** Those that are shut out. */
  *shutOut(nowMs: number): Generator<string> {
    for (const [source, { untilMs, isEnforced }] of this.#penalties.entries()) {
      if (isEnforced && untilMs > nowMs) yield source;
    }
  }

  #forgetUntil(untilMs: number): void {
    while ((this.#penalties.findLowest() + 1) * 1000 <= untilMs) this.#penalties.forgetLowest();
  }
}
