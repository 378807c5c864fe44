/**
 * What a monitoring system wants to know and somebody has to look for: sums of the state,
 * descriptors, how long the event loop was held up. Looked at now and then, whoever asks;
 * an answer is what was seen last, so asking costs nothing and waits for nothing.
 */
import { readdir } from "node:fs/promises";
import { VITALS_EVERY_MS } from "../base/limits.ts";
import { mayUse } from "../base/ways.ts";
import type { State, Totals } from "../state/contract.ts";

/** Shorter waits of the event loop are not noticed. */
const BEAT_MS = 100;

export class Vitals {
  readonly #state: Pick<State, "totals">;
  readonly #looking: ReturnType<typeof setInterval>;
  readonly #beating: ReturnType<typeof setInterval>;
  #totals: Totals | undefined;
  #descriptors: number | undefined;
  #beatMs = performance.now();
  /** The longest of this span, and of the one before. */
  #lagMs = 0;
  #lastLagMs = 0;

  private constructor(state: Pick<State, "totals">) {
    this.#state = state;
    this.#looking = setInterval(() => void this.#look(), VITALS_EVERY_MS).unref();
    this.#beating = setInterval(() => this.#beat(), BEAT_MS).unref();
  }

  /** After a first look. */
  static async begin(state: Pick<State, "totals">): Promise<Vitals> {
    const vitals = new Vitals(state);
    await vitals.#look();
    return vitals;
  }

  /** Undefined as long as the state could not be asked. */
  get totals(): Totals | undefined {
    return this.#totals;
  }

  /** Undefined where the system does not tell. */
  get descriptors(): number | undefined {
    return this.#descriptors;
  }

  /** The longest that the event loop was late, in the last one or two spans. */
  get lagMs(): number {
    return Math.max(this.#lagMs, this.#lastLagMs);
  }

  stop(): void {
    clearInterval(this.#looking);
    clearInterval(this.#beating);
  }

  #beat(): void {
    const nowMs = performance.now();
    this.#lagMs = Math.max(this.#lagMs, nowMs - this.#beatMs - BEAT_MS);
    this.#beatMs = nowMs;
  }

  /** Never throws: what cannot be seen stays as it was last. */
  async #look(): Promise<void> {
    this.#lastLagMs = this.#lagMs;
    this.#lagMs = 0;
    const [totals, descriptors] = await Promise.allSettled([
      this.#state.totals(),
      readdir(mayUse("process-facts") ? "/proc/self/fd" : "/dev/fd"),
    ]);
    if (totals.status === "fulfilled") this.#totals = totals.value;
    if (descriptors.status === "fulfilled") this.#descriptors = descriptors.value.length;
  }
}
