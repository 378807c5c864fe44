/**
 * One after the other: whoever waits for a turn gets it in the order of asking. A turn that is
 * not given back holds up all behind it, so it is given back in a `finally`. Whoever loses
 * patience leaves, and does not hold up those behind.
 */

export class Turnstile {
  /** Settles when the last that asked has given its turn back, or has left. */
  #last: Promise<void> = Promise.resolve();

  /** @returns gives the turn back; nothing when it did not come within the time */
  async turn(waitMsMax = Number.POSITIVE_INFINITY): Promise<(() => void) | undefined> {
    const before = this.#last;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#last = promise;
    if (waitMsMax === Number.POSITIVE_INFINITY || (await isSettledWithin(before, waitMsMax))) {
      await before;
      return resolve;
    }
    void before.then(resolve);
    return undefined;
  }

  async run<Value>(work: () => Promise<Value>): Promise<Value> {
    const giveBack = await this.turn();
    try {
      return await work();
    } finally {
      giveBack?.();
    }
  }
}

async function isSettledWithin(promise: Promise<void>, waitMsMax: number): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), waitMsMax);
  });
  const isSettled = await Promise.race([promise.then(() => true), late]);
  clearTimeout(timer);
  return isSettled;
}
