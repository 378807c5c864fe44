/**
 * `ftpx service`: the server at every start of this machine. `install` writes what systemd
 * wants and says what to type; it starts nothing and asks nobody. Elsewhere `print` writes what
 * the system there wants.
 *
 * What was not made here is never replaced or removed, and the data directory is not touched.
 */
import { chmod, readFile, rm, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { makeDirectories } from "../base/directories.ts";
import { errorOfSystem, FtpxError, isKind, withPath } from "../base/errors.ts";
import { GRACE_MS_DEFAULT } from "../base/limits.ts";
import { replaceFile } from "../base/replacement.ts";
import { DATA, JSON_LINES, parseWords } from "./args.ts";
import type { OptionsOf, Spec } from "./args.ts";
import { launchdSteps, launchdText, windowsText } from "./elsewhere.ts";
import { visible } from "./escaping.ts";
import { parseListen } from "./listening.ts";
import { find, nameOf, systemUsers } from "./ownership.ts";
import { placeOf } from "./place.ts";
import { SERVE_SPEC } from "./serve.ts";
import { isInHome, MADE_BY_US, unitText, usersText } from "./systemd.ts";
import type { Unit } from "./systemd.ts";
import { writeJson, writeLine, writeNote } from "./terminal.ts";
import { shellWord } from "./words.ts";

const SYSTEMS = ["systemd", "launchd", "windows"] as const;
type System = (typeof SYSTEMS)[number];

const OPTIONS = {
  data: DATA,
  name: { flags: "--name <name>", about: "of the unit (ftpx)" },
  runAs: {
    flags: "--run-as <user>",
    about: "whose process it is (the owner of the data directory; else ftpx)",
  },
  user: { flags: "--user", about: "a unit of your own, without root: it runs while you may" },
  for: { flags: "--for <system>", about: `print for ${SYSTEMS.join(", ")}`, parse: parseSystem },
  root: { flags: "--root <dir>", about: "install below this directory, as of an image" },
  dryRun: { flags: "--dry-run", about: "say what would be done, and do nothing" },
  json: JSON_LINES,
} as const;

type Options = OptionsOf<typeof OPTIONS>;

export const SERVICE: Spec<typeof OPTIONS> = {
  name: "service",
  about: "Runs the server at every start of this machine, confined: a unit for systemd",
  usage: "install|uninstall|print [-- OPTIONS OF SERVE…]",
  words: [1, Number.POSITIVE_INFINITY],
  options: OPTIONS,
  examples: [
    "sudo ftpx service install --data /srv/ftpx",
    "ftpx service print --data /srv/ftpx -- --listen 0.0.0.0:990 --quota '50 GiB'",
    "ftpx service install --user --data ~/ftpx",
    "ftpx service print --for launchd",
    "sudo ftpx service uninstall",
  ],
};

const USER_DEFAULT = "ftpx";
const UNIT_MODE = 0o644;

export async function service(
  [action = "", ...serveWords]: readonly string[],
  options: Options,
): Promise<void> {
  const actions = { install, uninstall, print } as const;
  if (!Object.hasOwn(actions, action)) {
    throw new FtpxError("USAGE", { reason: `"${action}" is not install, uninstall or print` });
  }
  await actions[action as keyof typeof actions](await unitOf(serveWords, options), options);
}

/** @throws FtpxError USAGE for what `serve` would not take */
async function unitOf(words: readonly string[], options: Options): Promise<Unit> {
  const name = options.name ?? "ftpx";
  if (!/^[A-Za-z0-9][\w.-]{0,63}$/.test(name)) {
    throw new FtpxError("USAGE", { reason: `"${name}" is not a name for a unit` });
  }
  const parsed = parseWords(SERVE_SPEC, words);
  if (parsed.options.data !== undefined) {
    throw new FtpxError("USAGE", { reason: "--data stands before the --, not behind it" });
  }
  const data = placeOf(options.data).root;
  return {
    name,
    executable: Bun.isStandaloneExecutable ? process.execPath : "/usr/local/bin/ftpx",
    data,
    words,
    port: parseListen(parsed.options.listen).port,
    graceMs: parsed.options.grace ?? GRACE_MS_DEFAULT,
    sessionsMax: parsed.options.maxSessions,
    user: options.user === true ? undefined : (options.runAs ?? (await userFor(data, options))),
  };
}

/** An ordinary user who has the data directory already runs the server on it. */
async function userFor(data: string, options: Options): Promise<string | undefined> {
  if ((options.for ?? systemHere()) !== "systemd") return undefined;
  const facts = await stat(data).catch(() => undefined);
  if (facts === undefined || facts.uid === 0) return USER_DEFAULT;
  return (await nameOf(facts.uid)) ?? String(facts.uid);
}

async function print(unit: Unit, options: Options): Promise<void> {
  const system = options.for ?? systemHere();
  const text = { systemd: unitText, launchd: launchdText, windows: windowsText }[system](unit);
  if (options.json === true) writeJson({ system, name: unit.name, text });
  else writeLine(text.trimEnd());
  if (system === "launchd") tellNext(launchdSteps(unit), options);
  for (const note of notesOf(unit)) writeNote(note);
}

async function install(unit: Unit, options: Options): Promise<void> {
  demandSystemd(options);
  const files = await filesOf(unit, options);
  for (const { path } of files) await demandOurs(path);
  for (const { path, text } of files) {
    if (options.dryRun !== true) await write(path, text);
    tell(options.dryRun === true ? "would-write" : "wrote", path, options);
    if (options.dryRun === true && options.json !== true) writeLine(`\n${text.trimEnd()}\n`);
  }
  tellNext(await stepsOf(unit, files.length > 1, options), options);
  for (const note of notesOf(unit)) writeNote(note);
}

async function uninstall(unit: Unit, options: Options): Promise<void> {
  demandSystemd(options);
  const file = unitFile(unit, options);
  const paths = [file, usersFile(unit, options)];
  const found: string[] = [];
  for (const path of paths) if (await demandOurs(path)) found.push(path);
  if (found.length === 0) throw new FtpxError("NO_LOCAL_FILE", { path: file });
  // What `systemctl enable` has made; without the unit it would not remove it any more.
  const target = options.user === true ? "default" : "multi-user";
  const link = join(dirname(file), `${target}.target.wants`, basename(file));
  if ((await find(link))?.isSymbolicLink() === true) found.push(link);
  for (const path of found) {
    if (options.dryRun !== true) await remove(path);
    tell(options.dryRun === true ? "would-remove" : "removed", path, options);
  }
  const control = controlOf(options);
  tellNext([`${control} stop ${unit.name}`, `${control} daemon-reload`], options);
}

interface WantedFile {
  readonly path: string;
  readonly text: string;
}

async function filesOf(unit: Unit, options: Options): Promise<WantedFile[]> {
  const files = [{ path: unitFile(unit, options), text: unitText(unit) }];
  const isKnown = (await systemUsers(options.root)).some(({ name }) => name === unit.user);
  if (unit.user === USER_DEFAULT && !isKnown) {
    files.push({ path: usersFile(unit, options), text: usersText(unit.user) });
  }
  return files;
}

function unitFile({ name }: Unit, { root = "/", user }: Options): string {
  const config = process.env["XDG_CONFIG_HOME"] ?? join(homedir(), ".config");
  const folder = user === true ? join(config, "systemd/user") : "/etc/systemd/system";
  return join(resolve(root), folder, `${name}.service`);
}

function usersFile({ name }: Unit, { root = "/" }: Options): string {
  return join(resolve(root), "/etc/sysusers.d", `${name}.conf`);
}

/** That what stands there was made here. @returns whether it stands @throws FtpxError LOCAL_EXISTS */
async function demandOurs(path: string): Promise<boolean> {
  try {
    if ((await readFile(path, "utf8")).startsWith(MADE_BY_US)) return true;
  } catch (error) {
    const failure = errorOfSystem(error);
    if (isKind(failure, "NO_SUCH_PATH")) return false;
    throw withPath(failure, path);
  }
  const hint = "it was not made by ftpx service: choose another --name, or move it away";
  throw new FtpxError("LOCAL_EXISTS", { path }, { hint });
}

/** For everybody to read, as units are: there are no secrets in it. */
async function write(path: string, text: string): Promise<void> {
  try {
    await makeDirectories(dirname(path));
    await replaceFile(path, Buffer.from(text));
    await chmod(path, UNIT_MODE);
  } catch (error) {
    throw withPath(errorOfSystem(error), path);
  }
}

async function remove(path: string): Promise<void> {
  try {
    await rm(path);
  } catch (error) {
    throw withPath(errorOfSystem(error), path);
  }
}

function controlOf({ user }: Options): string {
  return user === true ? "systemctl --user" : "systemctl";
}

/** What is left to the operator, in its order. */
async function stepsOf(unit: Unit, isNewUser: boolean, options: Options): Promise<string[]> {
  const { user, data, name } = unit;
  const control = controlOf(options);
  const facts = await stat(data).catch(() => undefined);
  const folder = shellWord(data);
  const steps = [`${control} daemon-reload`, `${control} enable --now ${name}`];
  if (user === undefined) steps.push("loginctl enable-linger");
  else if (facts === undefined) steps.unshift(`install -d -o ${user} -m 700 ${folder}`);
  else if (facts.uid === 0) steps.unshift(`chown -R ${user}: ${folder}`);
  if (user === undefined && facts === undefined) steps.unshift(`mkdir -m 700 ${folder}`);
  return isNewUser ? ["systemd-sysusers", ...steps] : steps;
}

/** What would keep the unit from starting. */
function notesOf({ executable, data, user }: Unit): string[] {
  const notes: string[] = [];
  const isShared = user !== undefined && isInHome(executable);
  const isTemporary = [executable, data].some((path) => /^\/(?:var\/)?tmp\//.test(path));
  if (isShared || isTemporary) {
    notes.push(`ftpx: ${visible(executable)} may be out of the unit's reach: copy it to`);
    notes.push("/usr/local/bin and install with that one, data in /srv, say");
  }
  return notes;
}

function tell(event: string, path: string, { json }: Options): void {
  if (json === true) writeJson({ event, path });
  else writeLine(`${event.replace("-", " ")} ${visible(path)}`);
}

function tellNext(commands: readonly string[], { json }: Options): void {
  if (json === true) for (const command of commands) writeJson({ event: "next", command });
  else writeNote(`\nnow type:\n\n${commands.map((command) => `    ${command}\n`).join("")}`);
}

function systemHere(): System {
  if (process.platform === "darwin") return "launchd";
  return process.platform === "win32" ? "windows" : "systemd";
}

/** @throws FtpxError USAGE */
function demandSystemd({ for: system }: Options): void {
  if ((system ?? systemHere()) === "systemd") return;
  const reason = "only a unit for systemd is installed; ftpx service print writes the others";
  throw new FtpxError("USAGE", { reason });
}

/** @throws FtpxError USAGE */
function parseSystem(text: string): System {
  const found = SYSTEMS.find((name) => name === text);
  if (found !== undefined) return found;
  throw new FtpxError("USAGE", { reason: `"${text}" is not one of ${SYSTEMS.join(", ")}` });
}
