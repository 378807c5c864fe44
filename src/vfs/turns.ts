/**
 * Whose turn it is to change a home: changes of single paths go on side by side, one
 * at a time for each path; changes of trees (rename, recursive removal) go alone.
 *
 * What stood at a path is looked at and replaced within one turn, so the ledger
 * hears of every file exactly once.
 */
export class Turns {
  readonly #paths = new Map<string, Promise<void>>();
  /** Ends when the last tree change that was asked for has ended. */
  #tree: Promise<void> = Promise.resolve();
  #treesWaiting = 0;

  /** Runs `change` alone among changes of this path and of trees. */
  async onPath<Value>(path: string, change: () => Promise<Value>): Promise<Value> {
    for (;;) {
      const before = this.#treesWaiting > 0 ? this.#tree : this.#paths.get(path);
      if (before === undefined) break;
      await before;
    }
    const result = change();
    const ended = endOf(result);
    this.#paths.set(path, ended);
    try {
      return await result;
    } finally {
      if (this.#paths.get(path) === ended) this.#paths.delete(path);
    }
  }

  /** Runs `change` when nothing else is under way, and lets nothing begin meanwhile. */
  async onTree<Value>(change: () => Promise<Value>): Promise<Value> {
    const before = [this.#tree, ...this.#paths.values()];
    this.#treesWaiting += 1;
    const result = Promise.all(before).then(change);
    this.#tree = endOf(result);
    try {
      return await result;
    } finally {
      this.#treesWaiting -= 1;
    }
  }
}

async function endOf(work: Promise<unknown>): Promise<void> {
  await work.catch(() => {});
}
