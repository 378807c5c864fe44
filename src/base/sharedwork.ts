/**
 * Work that is worth as much to all who ask for it as to one, such as the sync of a directory:
 * whoever asks joins the next that begins, and never one that has begun, because what he did
 * before he asked may have come too late for that.
 */

interface Line {
  /** Begun, and not at its end. */
  running: Promise<void> | undefined;
  /** Not begun. */
  next: Promise<void> | undefined;
}

export class SharedWork {
  readonly #lines = new Map<string, Line>();

  /**
   * One at a time for each key. A failure is heard by all who had asked by then: also by those
   * who wait for the next, because what they did may have been in this one, and a sync tells of
   * a failure only once (fsync(2)).
   *
   * @param work begins in a later turn of the event loop, so that those of this turn share it
   */
  async join(key: string, work: () => Promise<void>): Promise<void> {
    let line = this.#lines.get(key);
    if (line === undefined) {
      line = { running: undefined, next: undefined };
      this.#lines.set(key, line);
    }
    line.next ??= this.#begin(key, line, work);
    await line.next;
  }

  async #begin(key: string, line: Line, work: () => Promise<void>): Promise<void> {
    await line.running?.catch((error: unknown) => {
      this.#lines.delete(key);
      throw error;
    });
    await new Promise((resolve) => setImmediate(resolve));
    line.running = line.next;
    line.next = undefined;
    try {
      await work();
    } finally {
      line.running = undefined;
      if (line.next === undefined) this.#lines.delete(key);
    }
  }
}
