/**
 * The end of the terminal, for whoever waits for a key: a question there is nobody's any more. Most
 * hear of it by SIGHUP. But it goes to the terminal's session leader alone if that stays, whoever
 * caught it once may not be ended by it, and readline and clack, which give the terminal its mode
 * back at its end, fail at one that has gone: then the question waits for ever, and Bun 1.4.5 asks
 * the dead terminal without a pause.
 *
 * What needs no key goes on; whether SIGHUP ends it is interrupt.ts's.
 */
import { isatty } from "node:tty";
import { endedBySignal, exitStatusOf } from "./status.ts";
import { FtpxError } from "../base/errors.ts";

const STDIN = 0;

/** Whether stdin is a terminal that is still there. */
export function hasTerminal(): boolean {
  return process.stdin.isTTY && isatty(STDIN);
}

/** Call it before anybody listens to stdin: the others do not come to it. */
export function endWithTerminal(): void {
  const { stdin } = process;
  if (!stdin.isTTY) return;
  stdin.on("end", () => {
    if (!hasTerminal()) leave();
  });
  stdin.on("error", (error) => {
    if (hasTerminal()) throw error;
    leave();
  });
}

function leave(): never {
  endedBySignal("SIGHUP");
  process.exit(exitStatusOf(new FtpxError("INTERRUPTED")));
}
