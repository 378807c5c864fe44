/**
 * Whose files the data directory is made of. The server runs as an ordinary user, and root's
 * commands must leave nothing there that it cannot open: what root makes gets the owner that
 * storage/ has, or the data directory where there is no storage/ yet.
 *
 * Only what was made here is given away: directories, and files of one name, so that a second
 * name that somebody else gave to a file of root's does not make it theirs.
 */
import { chmod, lchown, lstat, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { errorOfSystem, isKind, withHint, withPath } from "../base/errors.ts";
import { keepingPrivate } from "./confinement.ts";
import { visible } from "./escaping.ts";
import type { Place } from "./place.ts";
import { writeNote } from "./terminal.ts";

const ROOT = 0;
const OWNER_MODE = 0o700;
const OTHERS_READ = 0o004;

interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** A home that the server's user cannot use. */
export interface UnusableHome {
  readonly kind: "home";
  readonly user: string;
  readonly path: string;
  readonly isFixed: boolean;
}

/**
 * Runs a command of the operator's. What it makes is private; where root runs it, it is handed
 * over; whoever may not is told who may.
 */
export async function keepingOwner<Value>(
  place: Place,
  work: () => Promise<Value>,
): Promise<Value> {
  const isRoot = process.getuid?.() === ROOT;
  return await keepingPrivate(() => (isRoot ? handingOver(place, work) : tellingWho(place, work)));
}

async function handingOver<Value>(place: Place, work: () => Promise<Value>): Promise<Value> {
  const before = await findPaths(place);
  try {
    return await work();
  } finally {
    const owner = await ownerOf(place, before);
    if (owner !== undefined && owner.uid !== ROOT) await handOver(place, before, owner);
  }
}

async function tellingWho<Value>(place: Place, work: () => Promise<Value>): Promise<Value> {
  try {
    return await work();
  } catch (error) {
    const owner = (await find(place.storage)) ?? (await find(place.root));
    if (!isKind(error, "NO_PERMISSION") || owner === undefined) throw error;
    if (owner.uid === process.getuid?.()) throw error;
    const name = (await nameOf(owner.uid)) ?? `user ${owner.uid}`;
    const hint = `the server's files are ${name}'s: run this as that user, or as root`;
    throw withHint(error, hint, "NO_PERMISSION");
  }
}

/** Names and numbers of the system's list of users; some users stand in other lists. */
export async function systemUsers(root = "/") {
  const text = await readFile(join(root, "etc/passwd"), "utf8").catch(() => "");
  return text.split("\n").map((line) => {
    const [name = "", , uid = ""] = line.split(":");
    return { name, uid };
  });
}

export async function nameOf(uid: number): Promise<string | undefined> {
  return (await systemUsers()).find((user) => user.uid === String(uid))?.name;
}

/** Homes whose owner is not the server's user, or that shut even their owner out. */
export async function unusableHomes(
  place: Place,
  users: readonly string[],
  isFixing: boolean,
): Promise<UnusableHome[]> {
  const found: UnusableHome[] = [];
  // Windows has lists of who may do what, and shows the same mode of everything.
  const storage = process.platform === "win32" ? undefined : await find(place.storage);
  if (storage === undefined) return found;
  for (const user of users) {
    const path = join(place.storage, user);
    const home = await find(path);
    if (home?.isDirectory() !== true) continue;
    const isForeign = home.uid !== storage.uid;
    const mode = home.mode & 0o7777;
    if (!isForeign && (mode & OWNER_MODE) === OWNER_MODE) continue;
    const isFixed = isFixing && (await mendHome(path, storage, mode));
    found.push({ kind: "home", user, path, isFixed });
  }
  return found;
}

/** Nobody signs in with what stands in accounts.toml, but weak passwords can be guessed from it. */
export async function warnOfReaders(place: Place): Promise<void> {
  const facts = process.platform === "win32" ? undefined : await find(place.accountsFile);
  if (facts === undefined || !facts.isFile() || (facts.mode & OTHERS_READ) === 0) return;
  writeNote(`ftpx: others can read ${visible(place.accountsFile)}: chmod o= it`);
}

/** @returns false where only root can do it */
async function mendHome(path: string, { uid, gid }: Owner, mode: number): Promise<boolean> {
  try {
    await lchown(path, uid, gid);
    await chmod(path, mode | OWNER_MODE);
    return true;
  } catch (error) {
    if (isKind(errorOfSystem(error), "NO_PERMISSION")) return false;
    throw withPath(errorOfSystem(error), path);
  }
}

async function ownerOf(place: Place, before: ReadonlySet<string>): Promise<Owner | undefined> {
  return await find(before.has(place.storage) ? place.storage : place.root);
}

/** What of the data directory is there, as far as commands make something. */
async function findPaths(place: Place): Promise<Set<string>> {
  const homes = await place.homes().catch(() => []);
  const paths = new Set(homes.map((name) => join(place.storage, name)));
  for (const path of [place.storage, place.accountsFile]) {
    if ((await find(path)) !== undefined) paths.add(path);
  }
  return paths;
}

async function handOver(place: Place, before: ReadonlySet<string>, owner: Owner): Promise<void> {
  const made = [...(await findPaths(place))].filter((path) => !before.has(path));
  const parts = join(place.own, "parts");
  const own = [place.own, ...(await pathsIn(place.own)), ...(await pathsIn(parts))];
  for (const path of [...made, ...own]) {
    const facts = await find(path);
    const isOurs = facts?.uid === ROOT;
    if (!isOurs || !(facts.isDirectory() || (facts.isFile() && facts.nlink === 1))) continue;
    await lchown(path, owner.uid, owner.gid);
  }
}

async function pathsIn(folder: string): Promise<string[]> {
  return (await namesIn(folder)).map((name) => join(folder, name));
}

async function namesIn(folder: string): Promise<string[]> {
  return await readdir(folder).catch(() => []);
}

/** What stands at a path, a link as itself; nothing where that cannot be seen. */
export async function find(path: string) {
  return await lstat(path).catch(() => undefined);
}
