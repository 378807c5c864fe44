/**
 * Lets one piece of work after the other run: what it looks at does not change under
 * its hands. Whoever holds a turn must not ask for another one of the same kind.
 */
export class Turn {
  #last: Promise<void> = Promise.resolve();

  async take<Value>(work: () => Promise<Value>): Promise<Value> {
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
