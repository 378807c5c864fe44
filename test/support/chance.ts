/**
 * Chance that can be repeated: a small generator (mulberry32), and a way to run a test
 * with it that names the seed when the test fails. `FTPX_SEED` repeats a run.
 */

export class Chance {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 0;
  }

  /** From 0 up to, and without, `end`. */
  below(end: number): number {
    return Math.floor(this.#fraction() * end);
  }

  /** Both ends included. */
  between(min: number, max: number): number {
    return min + this.below(max - min + 1);
  }

  /** True so many times out of a hundred. */
  percent(percent: number): boolean {
    return this.below(100) < percent;
  }

  pick<Value>(values: readonly [Value, ...Value[]]): Value {
    return values[this.below(values.length)] ?? values[0];
  }

  bytes(length: number): Uint8Array<ArrayBuffer> {
    const octets = new Uint8Array(length);
    const words = new Uint32Array(octets.buffer, 0, length >> 2);
    for (let index = 0; index < words.length; index += 1) words[index] = this.below(2 ** 32);
    for (let index = length & ~3; index < length; index += 1) octets[index] = this.below(256);
    return octets;
  }

  #fraction(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }
}

/** A seed nobody has chosen, unless FTPX_SEED says which. */
export function drawSeed(): number {
  return Number(process.env["FTPX_SEED"] ?? Math.floor(Math.random() * 2 ** 31));
}

/** Runs `work` with chance, and says with which seed it failed. */
export async function withChance(work: (chance: Chance) => Promise<void> | void): Promise<void> {
  const seed = drawSeed();
  try {
    await work(new Chance(seed));
  } catch (error) {
    console.error(`repeat with FTPX_SEED=${seed}`);
    throw error;
  }
}
