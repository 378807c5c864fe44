/**
 * A lane holds one piece of work at a time: what it looks at does not change under its
 * hands. Work in a lane must not wait for more work in the same one.
 */
export class Lane {
  #last: Promise<void> = Promise.resolve();

  /** Runs `work` when all that came before has ended. */
  async run<Value>(work: () => Promise<Value>): Promise<Value> {
    const before = this.#last;
    const done = Promise.withResolvers<void>();
    this.#last = done.promise;
    await before;
    try {
      return await work();
    } finally {
      done.resolve();
    }
  }
}
