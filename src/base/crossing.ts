/**
 * Whose turn it is where most work is about one place and some is about all of them: work at
 * different places goes on side by side, work at one place in the order of asking, and work on
 * the whole alone. Whoever comes later waits for those of before who are in the way.
 */

export class Crossing {
  /** Ends with the last work on the whole that was asked for. */
  #whole: Promise<void> = Promise.resolve();
  /** Each ends with the last work at its place that was asked for. */
  readonly #places = new Map<string, Promise<void>>();

  /** Runs `work` alone. */
  async run<Value>(work: () => Promise<Value>): Promise<Value> {
    const before = [this.#whole, ...this.#places.values()];
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#whole = promise;
    await Promise.all(before);
    try {
      return await work();
    } finally {
      resolve();
    }
  }

  /** Runs `work` alone among those at this place. */
  async runAt<Value>(place: string, work: () => Promise<Value>): Promise<Value> {
    const before = [this.#whole, this.#places.get(place) ?? this.#whole];
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#places.set(place, promise);
    await Promise.all(before);
    try {
      return await work();
    } finally {
      resolve();
      if (this.#places.get(place) === promise) this.#places.delete(place);
    }
  }
}
