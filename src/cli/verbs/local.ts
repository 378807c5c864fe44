/**
 * `!`: a command of this machine, in the middle of a shell of ftpx.
 *
 * The person's own shell reads the line and has the terminal, so editors, pagers and
 * Ctrl-Z work as they do outside. Ctrl-C reaches it as it reaches everything in the
 * terminal; ftpx only waits. What ends ftpx alone ends it too, or it would stay and take the
 * keys of whoever has the terminal next: by SIGHUP, because an interactive shell does not heed
 * SIGTERM. A program below a shell that only waits for it does not hear of that.
 */
import { localFailure } from "../../client/copy.ts";
import { endingSignal } from "../status.ts";
import { canAsk, writeJson, writeNote } from "../terminal.ts";
import { shellOf, verb } from "./verb.ts";
import type { Stage } from "./verb.ts";

export const LOCAL = verb({
  name: "!",
  about: "Runs a command of this machine, or a shell",
  options: {},
  shell: { usage: "[COMMAND]", words: [0, 1], examples: ["!ls -l *.iso", "!"] },
  firstWord: ["local"],
  furtherWords: ["local"],
  target: "first",
  run: async (stage, [command = ""]) => {
    shellOf(stage);
    const status = await runLocal(command.trim(), stage);
    if (stage.isJson) writeJson({ event: "ended", command, status });
    else if (status !== 0) writeNote(`status ${status}`);
    return status;
  },
});

/** The command of a line that begins with `!`, as it stands; nothing for other lines. */
export function localCommandOf(line: string): string | undefined {
  return /^\s*!(.*)$/s.exec(line)?.[1];
}

/** @returns its exit status; 128 and more for a signal. @throws FtpxError NO_LOCAL_FILE, LOCAL_IO */
async function runLocal(command: string, { signal, isJson }: Stage): Promise<number> {
  const shell = shellProgram();
  const words = command === "" ? [shell] : [shell, isWindows() ? "/c" : "-c", command];
  try {
    const child = Bun.spawn(words, {
      // Lines of a script come from there too: they are not for the command.
      stdin: canAsk() ? "inherit" : "ignore",
      // With JSON every line on stdout is an object of ours.
      stdout: isJson ? 2 : "inherit",
      stderr: "inherit",
    });
    const end = () => {
      if (endingSignal() !== undefined) child.kill("SIGHUP");
    };
    signal.addEventListener("abort", end);
    try {
      return await child.exited;
    } finally {
      signal.removeEventListener("abort", end);
    }
  } catch (error) {
    throw localFailure(error, shell);
  }
}

function shellProgram(): string {
  const named = process.env[isWindows() ? "ComSpec" : "SHELL"] ?? "";
  if (named !== "") return named;
  return isWindows() ? "cmd.exe" : "/bin/sh";
}

function isWindows(): boolean {
  return process.platform === "win32";
}
