/**
 * The worker of row P4: lets two names of a directory change places as fast as it
 * can, until it is told to stop; then it says how often.
 */
import { parentPort } from "node:worker_threads";
import { RENAME_EXCHANGE, loadKernel } from "../../src/store/kernel.ts";

export interface Swaps {
  readonly fd: number;
  readonly names: readonly [string, string];
  /** Not 0: stop. */
  readonly stop: Int32Array;
}

parentPort?.on("message", ({ fd, names, stop }: Swaps) => {
  const kernel = loadKernel();
  const [a, b] = names.map((name) => Buffer.from(name)) as [Buffer, Buffer];
  let swaps = 0;
  while (Atomics.load(stop, 0) === 0) {
    try {
      kernel?.rename(fd, a, fd, b, RENAME_EXCHANGE);
      swaps += 1;
    } catch {
      // One of the two is removed just now, and made again soon.
    }
  }
  parentPort?.postMessage(swaps);
});
