/**
 * Ctrl-C during an operation: the first ends the operation in good order, so that what
 * can be resumed is; a second one ends the program.
 */
import { ERRORS } from "../base/errors.ts";

/** How long an operation may take to end in good order, and the program after that. */
const END_MS_MAX = 3000;
const EXIT_MS_MAX = 250;

/** @param isLast whether the program is over when the work is */
export async function interruptible<Value>(
  isLast: boolean,
  work: (signal: AbortSignal) => Promise<Value>,
): Promise<Value> {
  const controller = new AbortController();
  const { signal } = controller;
  const interrupt = (): void => {
    if (signal.aborted && isLast) exit();
    controller.abort();
    if (isLast) setTimeout(exit, END_MS_MAX).unref();
  };
  process.on("SIGINT", interrupt);
  try {
    return await work(signal);
  } finally {
    process.off("SIGINT", interrupt);
    // A line that is dead would keep the program for seconds.
    if (signal.aborted && isLast) setTimeout(exit, EXIT_MS_MAX).unref();
  }
}

function exit(): never {
  process.exit(ERRORS.INTERRUPTED.exit);
}
