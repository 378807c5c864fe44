/**
 * Ctrl-C during an operation, or SIGTERM or SIGHUP at any time of it: the first ends the
 * operation in good order, so that what can be resumed is; a second one ends the program.
 * After SIGTERM and SIGHUP nothing else is begun, and the status is 128 and the signal's
 * number, as shells expect; terminal.ts names the signal.
 */
import { readFileSync } from "node:fs";
import { constants } from "node:os";
import { FtpxError } from "../base/errors.ts";
import { mayUse } from "../base/ways.ts";
import { isSignalIgnored } from "../store/kernel.ts";
import { hasTerminal } from "./hangup.ts";
import { endedBySignal, exitStatusOf } from "./status.ts";

/** How long an operation may take to end in good order, and the program after that. */
const END_MS_MAX = 3000;
const EXIT_MS_MAX = 250;

type Ending = "SIGINT" | "SIGTERM" | "SIGHUP";

/** @param isLast whether the program is over when the work is */
export async function interruptible<Value>(
  isLast: boolean,
  work: (signal: AbortSignal) => Promise<Value>,
): Promise<Value> {
  const controller = new AbortController();
  const { signal } = controller;
  let isOver = isLast;
  const interrupt = (name: Ending): void => {
    if (signal.aborted && isOver) exit();
    if (name !== "SIGINT") {
      endedBySignal(name);
      isOver = true;
    }
    controller.abort();
    if (isOver) setTimeout(exit, END_MS_MAX).unref();
  };
  const names: Ending[] = isHangUpIgnored()
    ? ["SIGINT", "SIGTERM"]
    : ["SIGINT", "SIGTERM", "SIGHUP"];
  for (const name of names) process.on(name, interrupt);
  try {
    return await work(signal);
  } finally {
    for (const name of names) process.off(name, interrupt);
    // A line that is dead would keep the program for seconds.
    if (signal.aborted && isOver) setTimeout(exit, EXIT_MS_MAX).unref();
  }
}

/**
 * Whether this was started by nohup(1) or its like, which a handler of ours would undo. Told by
 * /proc, which costs less, or by the C library. Windows, where the signal is a window that is
 * closed, cannot ignore it.
 */
function isHangUpIgnored(): boolean {
  if (process.platform === "win32") return false;
  return ignoredByProc() ?? isSignalIgnored(constants.signals.SIGHUP) ?? true;
}

function ignoredByProc(): boolean | undefined {
  if (!mayUse("process-facts")) return undefined;
  try {
    const [, mask = "0"] =
      /^SigIgn:\s*([0-9a-f]+)$/m.exec(readFileSync("/proc/self/status", "utf8")) ?? [];
    return (BigInt(`0x${mask}`) & 1n) === 1n;
  } catch {
    return undefined;
  }
}

function exit(): never {
  // A question may be open that shows nothing of what is typed.
  if (hasTerminal()) process.stdin.setRawMode(false);
  process.exit(exitStatusOf(new FtpxError("INTERRUPTED")));
}
