/**
 * Ctrl-C during an operation: the first ends the operation in good order, so that what
 * can be resumed is; a second one ends the program.
 */
import { ERRORS } from "../base/errors.ts";

/** How long an operation may take to end in good order before the program ends without it. */
const END_MS_MAX = 3000;

/** @param isLast whether the program is over when the work is */
export async function interruptible<Value>(
  isLast: boolean,
  work: (signal: AbortSignal) => Promise<Value>,
): Promise<Value> {
  const controller = new AbortController();
  const interrupt = (): void => {
    if (controller.signal.aborted && isLast) process.exit(ERRORS.INTERRUPTED.exit);
    controller.abort();
    if (isLast) setTimeout(() => process.exit(ERRORS.INTERRUPTED.exit), END_MS_MAX).unref();
  };
  process.on("SIGINT", interrupt);
  try {
    return await work(controller.signal);
  } finally {
    process.off("SIGINT", interrupt);
  }
}
