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
import { ask, choose, showError, visible, writeNote } from "./terminal.ts";

/** The commands of the executable, by their names. */
export interface Launcher {
  has(name: string): boolean;
  /** @returns the exit status */
  run(words: readonly string[]): Promise<number>;
}

const INTERRUPTED_STATUS = 130;

const MAIN = {
  serve: "start a server on this machine",
  connect: "connect to a server",
  useradd: "create a user of the server on this machine",
  registrations: "look at requests for accounts",
  quit: "quit",
} as const;

/** @returns the exit status */
export async function openMainMenu(launcher: Launcher): Promise<number> {
  for (;;) {
    const entry = await unlessBack(() => choose("ftpx: what shall it be?", MAIN));
    if (entry === undefined) return INTERRUPTED_STATUS;
    if (entry === "quit") return 0;
    const status = await unlessBack(() => runEntry(entry, launcher));
    // A server and a shell last until somebody ends them: then it is enough.
    if ((entry === "serve" || entry === "connect") && status !== undefined) return status;
  }
}

/** Nothing when it came to nothing and there is something else to choose. */
async function runEntry(
  entry: Exclude<keyof typeof MAIN, "quit">,
  launcher: Launcher,
): Promise<number | undefined> {
  try {
    if (entry === "connect") return await launcher.run(["connect", await askTarget()]);
    const data = await ask("data directory of the server", process.env["FTPX_DATA"] ?? ".");
    if (entry === "registrations") return await openRequests(launcher, data);
    if (entry === "serve") {
      const listen = await ask("address and port to listen on", `[::]:${PORT_DEFAULT}`);
      return await launcher.run(["serve", "--data", data, "--listen", listen]);
    }
    const name = await ask("name of the new user");
    const quota = await ask("room for their files", "10 GiB");
    return await launcher.run(["useradd", "--data", data, "--quota", quota, "--", name]);
  } catch (error) {
    if (isKind(error, "INTERRUPTED")) throw error;
    showError(error);
    return undefined;
  }
}

const ANSWERS = { approve: "allow it", deny: "refuse it", back: "leave it, and go back" } as const;

/** The commands of registration, as soon as the executable has them. */
async function openRequests(launcher: Launcher, data: string): Promise<number> {
  if (!["pending", "approve", "deny"].every((name) => launcher.has(name))) {
    writeNote(`accounts are made here: ftpx useradd NAME --data ${visible(data)}`);
    return 0;
  }
  await launcher.run(["pending", "--data", data]);
  const name = await ask("which one? (empty: back)");
  if (name === "") return 0;
  const answer = await choose(`the request of ${name}`, ANSWERS);
  return answer === "back" ? 0 : await launcher.run([answer, "--data", data, "--", name]);
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
 * @returns the target to open a shell on, or the exit status when all is done
 * @throws FtpxError INTERRUPTED, USAGE for what is no target
 */
export async function openArrivalMenu(
  word: string | undefined,
  launcher: Launcher,
): Promise<string | number> {
  const target = word ?? (await askTarget());
  const { user, host } = parseTarget(target);
  if (user !== undefined || (process.env["FTPX_USER"] ?? "") !== "") return target;
  const wish = await choose(`${host}: what shall it be?`, ARRIVAL);
  if (wish === "logIn") return target;
  if (wish === "quit") return 0;
  if (launcher.has("register")) return await launcher.run(["register", target]);
  writeNote("accounts are made by whoever runs the server: ask them for one");
  return 0;
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
