/**
 * Menus for those who do not type commands: `ftpx` alone, and `ftpx connect HOST` when
 * nobody has said who connects.
 *
 * An entry is a command line: a menu asks for what it needs and hands it to the same
 * commands that can be typed, so it decides and knows nothing that they do not. Esc and
 * Ctrl-C lead back, and out of the first menu to the shell of the system.
 */
import { isKind } from "../base/errors.ts";
import { readBookmarks } from "../client/bookmarks.ts";
import { parseTarget, PORT_DEFAULT } from "../client/target.ts";
import { ask, choose, showError } from "./terminal.ts";

/** Runs a command line of the executable. @returns the exit status */
export type Launch = (words: readonly string[]) => Promise<number>;

const INTERRUPTED_STATUS = 130;

const MAIN = {
  serve: "start a server on this machine",
  connect: "connect to a server",
  useradd: "create a user of the server on this machine",
  registrations: "look at requests for accounts",
  quit: "quit",
} as const;

/** @returns the exit status */
export async function openMainMenu(launch: Launch): Promise<number> {
  for (;;) {
    const entry = await unlessBack(() => choose("ftpx: what shall it be?", MAIN));
    if (entry === undefined) return INTERRUPTED_STATUS;
    if (entry === "quit") return 0;
    const status = await unlessBack(() => runEntry(entry, launch));
    // A server and a shell last until somebody ends them: then it is enough.
    if ((entry === "serve" || entry === "connect") && status !== undefined) return status;
  }
}

/** Nothing when it came to nothing and there is something else to choose. */
async function runEntry(
  entry: Exclude<keyof typeof MAIN, "quit">,
  launch: Launch,
): Promise<number | undefined> {
  try {
    if (entry === "connect") return await lasting(launch, ["connect", await askTarget()]);
    const data = await ask("data directory of the server", process.env["FTPX_DATA"] ?? ".");
    if (entry === "registrations") return await openRequests(launch, data);
    if (entry === "serve") {
      const listen = await ask("address and port to listen on", `[::]:${PORT_DEFAULT}`);
      return await lasting(launch, ["serve", "--data", data, "--listen", listen]);
    }
    const name = await ask("name of the new user");
    const quota = await ask("room for their files", "10 GiB");
    return await launch(["useradd", "--data", data, "--quota", quota, "--", name]);
  } catch (error) {
    if (isKind(error, "INTERRUPTED")) throw error;
    showError(error);
    return undefined;
  }
}

/** What Ctrl-C ends, and the program with it: there is no way back into the menu. */
async function lasting(launch: Launch, words: readonly string[]): Promise<number> {
  const status = await unlessBack(() => launch(words));
  return status ?? INTERRUPTED_STATUS;
}

const ANSWERS = { approve: "allow it", deny: "refuse it", back: "leave it, and go back" } as const;

/** Who waits, and an answer to one of them. */
async function openRequests(launch: Launch, data: string): Promise<number> {
  const place = ["--data", data];
  await launch(["pending", ...place]);
  const name = (await ask("whose request? (empty: back)")).trim();
  if (name === "") return 0;
  const answer = await choose(`the request of ${name}`, ANSWERS);
  if (answer === "back") return 0;
  if (answer === "approve") return await launch(["approve", ...place, "--", name]);
  const reason = (await ask("what are they told? (may stay empty)")).trim();
  const told = reason === "" ? [] : ["--reason", reason];
  return await launch(["deny", ...place, ...told, "--", name]);
}

/** A bookmark, or what a person types. @throws FtpxError INTERRUPTED */
async function askTarget(): Promise<string> {
  const bookmarks = readBookmarks();
  if (bookmarks.length === 0) return await typedTarget();
  // No bookmark is called like that.
  const other = "@";
  const entries: Record<string, string> = { [other]: "another one" };
  for (const { name, target } of bookmarks) entries[name] = `${name}  ${target}`;
  const chosen = await choose("which server?", entries);
  return chosen === other ? await typedTarget() : chosen;
}

/** The whole line that a server prints is pasted as often as the target in it. */
async function typedTarget(): Promise<string> {
  const line = await ask("server (HOST or USER@HOST:PORT, or the line that it printed)");
  return line.trim().replace(/^ftpx\s+connect\s+/, "");
}

const ARRIVAL = { logIn: "log in", register: "ask for an account", quit: "quit" } as const;

/**
 * What somebody wants of a server who did not say who they are.
 *
 * @param flags of the connection, for another command that makes one
 * @returns the target to open a shell on, or the exit status when all is done
 * @throws FtpxError INTERRUPTED, USAGE for what is no target
 */
export async function openArrivalMenu(
  word: string | undefined,
  flags: readonly string[],
  launch: Launch,
): Promise<string | number> {
  const target = word ?? (await askTarget());
  const { user, host } = parseTarget(target);
  if (user !== undefined || (process.env["FTPX_USER"] ?? "") !== "") return target;
  const wish = await choose(`${host}: what shall it be?`, ARRIVAL);
  if (wish === "logIn") return target;
  if (wish === "quit") return 0;
  // Whoever is let in goes on to log in.
  const status = await launch(["register", "--wait", ...flags, "--", target]);
  return status === 0 ? target : status;
}

/** Nothing when a question was answered with Esc or Ctrl-C. */
async function unlessBack<Value>(work: () => Promise<Value>): Promise<Value | undefined> {
  try {
    return await work();
  } catch (error) {
    if (!isKind(error, "INTERRUPTED")) throw error;
    return undefined;
  }
}
