/**
 * Watches how much memory is reserved in one array: what reads a length from a stranger must not
 * reserve that much before it has looked at it.
 */

/** The most bytes that were reserved at once since the last look. */
export interface Watch {
  takeLargest(): number;
}

/** Only what is synchronous is watched: nobody else may run meanwhile. */
export function withWatch<Answer>(work: (watch: Watch) => Answer): Answer {
  const real = globalThis.Uint8Array;
  let largest = 0;
  const watched = new Proxy(real, {
    construct(target, args: unknown[], newTarget): object {
      if (typeof args[0] === "number" && args[0] > largest) largest = args[0];
      return Reflect.construct(target, args, newTarget === watched ? real : newTarget) as object;
    },
  });
  globalThis.Uint8Array = watched;
  try {
    return work({
      takeLargest: () => {
        const found = largest;
        largest = 0;
        return found;
      },
    });
  } finally {
    globalThis.Uint8Array = real;
  }
}
