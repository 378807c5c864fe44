/** Many small pieces of work that wait for answers, so many of them at once. */

/** Requests that wait for their answers together: a long line is not waited for file by file. */
export const ASKED_AT_ONCE = 64;

/**
 * Works through items; the work may add more of them. The first failure ends all, and what
 * is under way then goes on unheard.
 */
export async function workThrough<Item>(
  items: Iterable<Item>,
  atOnce: number,
  work: (item: Item, add: (item: Item) => void) => Promise<void>,
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const waiting = [...items];
  const state = { nextIndex: 0, activeCount: 0, hasFailed: false };
  const add = (item: Item): void => void waiting.push(item);
  const run = async (item: Item): Promise<void> => {
    try {
      await work(item, add);
      state.activeCount -= 1;
      go();
    } catch (error) {
      state.hasFailed = true;
      reject(error);
    }
  };
  const go = (): void => {
    while (!state.hasFailed && state.activeCount < atOnce && state.nextIndex < waiting.length) {
      const item = waiting[state.nextIndex] as Item;
      state.nextIndex += 1;
      state.activeCount += 1;
      void run(item);
    }
    if (state.activeCount === 0) resolve();
  };
  go();
  await promise;
}
