/**
 * Menus for those who do not type commands: `ftpx` alone, and `ftpx connect HOST` when
 * nobody has said who connects.
 *
 * An entry is a command line: a menu asks for what it needs and hands it to the same
 * commands that can be typed, so it decides and knows nothing that they do not. A server is a
 * process of its own: what it gives up and what it listens to would stay in the menu's. Esc in a
 * question leads back, and out of the first menu to the shell of the system; Ctrl-C leads there
 * from everywhere. What fails is told and leads back too: whoever types on must not type into
 * that shell.
 */
import { statSync } from "node:fs";
import { ERRORS, FtpxError, isKind } from "../base/errors.ts";
import { parseSize } from "../base/units.ts";
import { readBookmarks } from "../client/bookmarks.ts";
import { formatTarget, parseTarget, PORT_DEFAULT } from "../client/target.ts";
import { demandName } from "./admin.ts";
import { askNewName } from "./applicant.ts";
import { demandShort, requestsAt } from "./approvals.ts";
import { discardTyped } from "./hidden.ts";
import { ask, choose, confirm, LeftQuestion } from "./questions.ts";
import { exitStatusOf } from "./status.ts";
import { showError } from "./trouble.ts";
import { isEndedByPerson, runApart } from "./twin.ts";

/** Runs a command line of the executable. @returns the exit status */
type Launch = (words: readonly string[]) => Promise<number>;

const MAIN = {
  serve: "start a server on this machine",
  connect: "connect to a server",
  useradd: "create a user of the server on this machine",
  registrations: "look at requests for accounts",
  quit: "quit",
} as const;

/** @returns the exit status */
export async function openMainMenu(launch: Launch): Promise<number> {
  try {
    return await repeatMainMenu(launch);
  } catch (error) {
    if (!isKind(error, "INTERRUPTED")) throw error;
    return exitStatusOf(error);
  }
}

async function repeatMainMenu(launch: Launch): Promise<number> {
  for (;;) {
    const entry = await unlessLeft(() => choose("ftpx: what shall it be?", MAIN));
    if (entry === undefined) return ERRORS.INTERRUPTED.exit;
    if (entry === "quit") return 0;
    const status = await unlessFailed(() => runEntry(entry, launch));
    if (status === undefined) continue;
    // A server and a shell last until somebody ends them: then it is enough.
    if (entry === "connect" || (entry === "serve" && isEndedByPerson(status))) return status;
    // A server that failed has told it.
    if (entry === "serve") await discardTyped();
  }
}

/** @returns the exit status */
async function runEntry(
  entry: Exclude<keyof typeof MAIN, "quit">,
  launch: Launch,
): Promise<number> {
  if (entry === "connect") return await launch(["connect", await askTarget()]);
  if (entry === "serve") {
    const data = await askNewData();
    const listen = await ask("address and port to listen on", { usual: `[::]:${PORT_DEFAULT}` });
    return await runApart(["serve", "--data", data, "--listen", listen]);
  }
  const data = await askData(demandFolder);
  if (entry === "registrations") return await openRequests(launch, data);
  const name = await ask("name of the new user", { check: demandName });
  const room = { usual: "10 GiB", check: (size: string) => void parseSize(size) };
  const quota = await ask("room for their files", room);
  return await launch(["useradd", "--data", data, "--quota", quota, "--", name]);
}

async function askData(check: (folder: string) => void): Promise<string> {
  const usual = process.env["FTPX_DATA"] ?? "";
  return await ask("data directory of the server", { usual: usual === "" ? "." : usual, check });
}

/** A server may make one, if that is meant. */
async function askNewData(): Promise<string> {
  for (;;) {
    const data = await askData(() => {});
    if (isFolder(data) || (await confirm(`There is no directory ${data}. Make it?`))) return data;
  }
}

function demandFolder(path: string): void {
  if (isFolder(path)) return;
  throw new FtpxError("USAGE", { reason: `there is no directory ${path}` });
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

const ANSWERS = { approve: "allow it", deny: "refuse it", back: "leave it, and go back" } as const;

/** Who waits, one of them, and an answer to that one. */
async function openRequests(launch: Launch, data: string): Promise<number> {
  const rows = await requestsAt(data);
  if (rows.length === 0) return await launch(["pending", "--data", data]);
  const entries: Record<string, string> = {};
  for (const { number, line } of rows) entries[String(number)] = line;
  const number = await choose("whose request?", { ...entries, back: "back" });
  const name = rows.find((row) => String(row.number) === number)?.user;
  if (name === undefined) return 0;
  const answer = await choose(`the request of ${name}`, ANSWERS);
  if (answer === "back") return 0;
  const which = ["--data", data, "--request", number];
  if (answer === "approve") return await launch(["approve", ...which, "--", name]);
  const reason = await ask("what are they told? (may stay empty)", { check: demandShortReason });
  const told = reason === "" ? [] : ["--reason", reason];
  return await launch(["deny", ...which, ...told, "--", name]);
}

function demandShortReason(text: string): void {
  demandShort(text, "the reason");
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
  const question = "server (HOST or USER@HOST:PORT, or the line that it printed)";
  return targetIn(await ask(question, { check: (line) => void parseTarget(targetIn(line)) }));
}

function targetIn(line: string): string {
  return line.replace(/^ftpx\s+connect\s+/, "");
}

const ARRIVAL = { logIn: "log in", register: "ask for an account", quit: "quit" } as const;

/** What the menu of a server leads to; each answers the exit status. */
interface Ways {
  readonly launch: Launch;
  /** Opens a shell on a target. */
  readonly shell: (target: string) => Promise<number>;
}

/**
 * What somebody wants of a server who did not say who they are, until there is a shell.
 *
 * @param flags of the connection, for another command that makes one
 * @returns the exit status
 * @throws FtpxError INTERRUPTED, USAGE for what is no target, and what opening a shell throws
 */
export async function openArrivalMenu(
  word: string | undefined,
  flags: readonly string[],
  { launch, shell }: Ways,
): Promise<number> {
  const target = word ?? (await askTarget());
  const there = parseTarget(target);
  if (there.user !== undefined || (process.env["FTPX_USER"] ?? "") !== "") {
    return await shell(target);
  }
  const register = async (): Promise<string> => {
    const own = formatTarget({ ...there, user: await askNewName() });
    await launch(["register", "--wait", ...flags, "--", own]);
    return own;
  };
  for (let known = target; ;) {
    const wish = await choose(`${there.host}: what shall it be?`, ARRIVAL);
    if (wish === "quit") return 0;
    // Whoever is let in goes on to log in.
    const next = wish === "register" ? await unlessFailed(register) : known;
    if (next === undefined) continue;
    known = next;
    const status = await unlessLeft(() => shell(next));
    if (status !== undefined) return status;
  }
}

/** Nothing when it came to nothing, which is told, and there is something else to choose. */
async function unlessFailed<Value>(work: () => Promise<Value>): Promise<Value | undefined> {
  try {
    return await unlessLeft(work);
  } catch (error) {
    if (isKind(error, "INTERRUPTED")) throw error;
    showError(error);
    await discardTyped();
    return undefined;
  }
}

/** Nothing when a question was left with Esc. */
async function unlessLeft<Value>(work: () => Promise<Value>): Promise<Value | undefined> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof LeftQuestion)) throw error;
    return undefined;
  }
}
