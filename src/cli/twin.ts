/**
 * Another process of this executable, in the same terminal: for a command that changes its process
 * for good, as a server does (confinement.ts, stopsignal.ts), and must not change its caller's.
 *
 * Ctrl-C and the end of the terminal reach both. Ctrl-C is the other one's then; the end of the
 * terminal is left to do to this one what it does, or the other would hear of it twice.
 */
import { localFailure } from "../client/copy.ts";
import { writeNote } from "./terminal.ts";

/**
 * Runs a command line to its end. SIGTERM is handed on.
 *
 * @returns the exit status; 128 and more for a signal. @throws FtpxError NO_LOCAL_FILE, LOCAL_IO
 */
export async function runApart(words: readonly string[]): Promise<number> {
  const self = Bun.isStandaloneExecutable ? [process.execPath] : [process.execPath, Bun.main];
  const child = start([...self, ...words]);
  const handOn = () => child.kill("SIGTERM");
  process.on("SIGINT", leaveIt);
  process.on("SIGTERM", handOn);
  try {
    const status = await child.exited;
    if (child.signalCode !== null) writeNote(`ftpx: ${words[0]} was ended by ${child.signalCode}`);
    return status;
  } finally {
    process.off("SIGINT", leaveIt);
    process.off("SIGTERM", handOn);
  }
}

/** Whether a status says that somebody ended it, and not that it failed. */
export function isEndedByPerson(status: number): boolean {
  return [0, 129, 130, 143].includes(status);
}

function start(words: readonly string[]): Bun.Subprocess {
  try {
    return Bun.spawn([...words], { stdin: "inherit", stdout: "inherit", stderr: "inherit" });
  } catch (error) {
    throw localFailure(error, process.execPath);
  }
}

function leaveIt(): void {}
