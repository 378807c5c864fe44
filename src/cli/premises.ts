/**
 * What a server stands on, as `ftpx doctor` sees it on the server's machine: the data
 * directory, whose it is, the disk, the clock, limits, accounts, state, identity, and whether a
 * server answers. Nothing is changed, and nothing is made where no server has ever been.
 */
import { access, constants, readdir, stat, statfs } from "node:fs/promises";
import { join } from "node:path";
import { errorOfSystem, FtpxError, withPath } from "../base/errors.ts";
import { DISK_RESERVE_BYTES, SESSIONS_MAX } from "../base/limits.ts";
import { formatCount, formatDuration, formatSize } from "../base/units.ts";
import { findIdentity } from "../doors/identity.ts";
import { callLibrary, loadKernel } from "../store/kernel.ts";
import { sessionsThatFit } from "./descriptors.ts";
import { fine, skipped, warning } from "./diagnosis.ts";
import type { Diagnosis, Seen } from "./diagnosis.ts";
import { withOffice } from "./office.ts";
import { allSessions, isServed, withServer } from "./operator.ts";
import { find, unusableHomes } from "./ownership.ts";
import type { Place } from "./place.ts";

/** Below these an operator should think of a larger disk. */
const FREE_BYTES_ADVISED = 1024 ** 3;
const FREE_SHARE_ADVISED = 0.05;
const FREE_INODES_ADVISED = 10_000;

/** This program is younger than any earlier year, and a later one is no clock's. */
const YEAR_MIN = 2026;
const YEAR_MAX = 2100;

/** How far the log may be ahead of the clock before that has gone back. */
const BACK_MS_MAX = 60_000;

/** @param sessionsMax as `serve --max-sessions` */
export async function lookAtPremises(
  diagnosis: Diagnosis,
  place: Place,
  sessionsMax: number | undefined,
): Promise<void> {
  const isThere = await diagnosis.look("data directory", () => directory(place));
  await diagnosis.look("clock", () => clock(place));
  await diagnosis.look("descriptors", () => descriptors(sessionsMax ?? SESSIONS_MAX));
  await diagnosis.look("kernel", openat2);
  if (!isThere) return;
  await diagnosis.look("disk", () => disk(place));
  if ((await find(place.own)) !== undefined) {
    await diagnosis.look("accounts", () => accounts(place));
  }
  if ((await find(place.stateFile)) === undefined) {
    await diagnosis.look("server", () => skipped("none has run here yet: ftpx serve"));
    return;
  }
  await diagnosis.look("permissions", () => permissions(place));
  await diagnosis.look("file system", () => fileSystem(place));
  await diagnosis.look("identity", () => identity(place));
  const isAnswering = await diagnosis.look("server", () => server(place));
  if (isAnswering) await diagnosis.look("state", () => state(place));
}

/** @throws FtpxError BAD_CONFIG, NO_PERMISSION */
async function directory(place: Place): Promise<Seen> {
  const { root, own, storage } = place;
  const facts = await stat(root).catch(() => undefined);
  if (facts?.isDirectory() !== true) {
    const hint = "--data names it, or FTPX_DATA; ftpx serve makes one";
    throw new FtpxError("BAD_CONFIG", { reason: `no directory ${root}` }, { hint });
  }
  for (const path of [root, storage, own]) {
    if (path !== root && (await find(path)) === undefined) break;
    await access(path, constants.R_OK | constants.W_OK | constants.X_OK).catch((error: unknown) => {
      const failure = withPath(errorOfSystem(error), path) as FtpxError;
      const hint = "be its owner, or root";
      throw new FtpxError(failure.kind, failure.details, { cause: error, hint });
    });
  }
  return fine(root, { data: root });
}

/** @throws FtpxError BAD_CONFIG for what keeps the server's user out */
async function permissions(place: Place): Promise<Seen> {
  const storage = await stat(place.storage);
  const names = await readdir(place.own, { recursive: true });
  for (const path of [place.accountsFile, ...names.map((name) => join(place.own, name))]) {
    const facts = await find(path);
    if (facts === undefined || facts.uid === storage.uid) continue;
    // What belongs to root may be read by everybody, as an accounts.toml under its hand.
    const hint = `chown -R --reference=${place.storage} ${path}`;
    const reason = `${path} does not belong to the owner of storage/`;
    if (path !== place.accountsFile) throw new FtpxError("BAD_CONFIG", { reason }, { hint });
    return warning(reason, hint);
  }
  const [unusable] = await unusableHomes(place, await place.homes(), false);
  if (unusable !== undefined) {
    const reason = `${unusable.path}: the server's user cannot use this home`;
    throw new FtpxError("BAD_CONFIG", { reason }, { hint: "as root: ftpx check --fix" });
  }
  for (const [path, allowed] of [
    [place.storage, 0o700],
    [place.own, 0o700],
    [place.accountsFile, 0o660],
  ] as const) {
    const mode = ((await find(path))?.mode ?? 0) & 0o777;
    if ((mode & ~allowed) === 0) continue;
    const text = `others can look into ${path} (mode ${mode.toString(8)})`;
    return warning(text, `chmod ${path === place.accountsFile ? "600" : "700"} ${path}`);
  }
  return fine("private to the server's user", { uid: storage.uid });
}

/** @throws FtpxError DISK_FULL when an upload has no chance */
async function disk(place: Place): Promise<Seen> {
  const path = (await find(place.own)) === undefined ? place.root : place.own;
  const facts = await statfs(path);
  const freeBytes = facts.bavail * facts.bsize;
  const totalBytes = facts.blocks * facts.bsize;
  if (freeBytes <= DISK_RESERVE_BYTES) {
    throw new FtpxError("DISK_FULL", { neededBytes: DISK_RESERVE_BYTES, freeBytes });
  }
  // Some file systems have as many as there is room for, and count none.
  const hasInodes = facts.files > 0;
  const freeInodes = hasInodes ? facts.ffree : undefined;
  if (freeInodes === 0) {
    throw new FtpxError("DISK_FULL", {}, { hint: "no inodes are left: remove small files" });
  }
  const known = { freeBytes, totalBytes, ...(hasInodes ? { freeInodes } : {}) };
  const text = `${formatSize(freeBytes)} free of ${formatSize(totalBytes)}`;
  if (freeBytes < FREE_BYTES_ADVISED || freeBytes < totalBytes * FREE_SHARE_ADVISED) {
    return warning(`only ${text}`, "make room, or lower quotas (ftpx usermod --quota)", known);
  }
  if (freeInodes !== undefined && freeInodes < FREE_INODES_ADVISED) {
    return warning(`only ${freeInodes} more files fit`, "remove small files", known);
  }
  return fine(text, known);
}

/** Uploads become files by a rename, which stays on one file system. @throws FtpxError BAD_CONFIG */
async function fileSystem(place: Place): Promise<Seen> {
  const parts = await stat(join(place.own, "parts")).catch(() => stat(place.own));
  const homes = await place.homes();
  for (const name of homes) {
    const home = await stat(join(place.storage, name)).catch(() => undefined);
    if (home?.isDirectory() !== true || home.dev === parts.dev) continue;
    const reason = `${join(place.storage, name)} is on another disk than ${place.own}`;
    const hint = "mount a disk for all of storage/: an upload there can never be published";
    throw new FtpxError("BAD_CONFIG", { reason }, { hint });
  }
  return fine(`one for unfinished uploads and ${formatCount(homes.length, "home")}`);
}

/** @throws FtpxError BAD_CONFIG for a year that cannot be */
export async function clock(place: Place, now = new Date()): Promise<Seen> {
  const year = now.getUTCFullYear();
  if (year < YEAR_MIN || year > YEAR_MAX) {
    const hint = "set the clock: timedatectl set-ntp true";
    throw new FtpxError("BAD_CONFIG", { reason: `the clock says ${year}` }, { hint });
  }
  const logged = await find(place.auditFile);
  const backMs = logged === undefined ? 0 : logged.mtimeMs - now.getTime();
  if (backMs > BACK_MS_MAX) {
    const text = `the audit log is ${formatDuration(backMs)} ahead: the clock has gone back`;
    return warning(text, "set the clock: timedatectl set-ntp true");
  }
  const isSynced = isClockSynced();
  const text = now.toISOString();
  if (isSynced === false) {
    const hint = "let the network set it: timedatectl set-ntp true, or install chrony";
    return warning(`${text}, and nothing keeps it right`, hint, { synchronized: false });
  }
  const told = isSynced === undefined ? "" : ", kept right by the network";
  return fine(`${text}${told}`, { synchronized: isSynced });
}

/** What the kernel thinks of its clock; as timedatectl reads it (adjtimex(2)). */
function isClockSynced(): boolean | undefined {
  if (process.platform !== "linux") return undefined;
  // struct timex with modes 0, which asks; the largest possible error is its fourth word.
  const words = new BigInt64Array(26);
  const answer = callLibrary("adjtimex", [words]);
  const errorMicroseconds = words[3] ?? 0n;
  return answer < 0 ? undefined : errorMicroseconds < CLOCK_ERROR_MAX;
}

/** The kernel's own bound: from 16 s on it calls its clock unsynchronised. */
const CLOCK_ERROR_MAX = 16_000_000n;

/** @throws FtpxError BAD_CONFIG when there is no room at all */
async function descriptors(wanted: number): Promise<Seen> {
  const fitting = await sessionsThatFit(wanted);
  const text = `room for ${formatCount(fitting, "session")}`;
  if (fitting >= wanted) return fine(text, { sessions: fitting });
  const hint = "raise the limit of open files: ulimit -n, or LimitNOFILE= in the unit";
  return warning(`${text} of the ${wanted} wanted, in this shell`, hint, { sessions: fitting });
}

function openat2(): Seen {
  if (loadKernel() !== undefined) return fine("the kernel keeps paths in their homes (openat2)");
  if (process.platform !== "linux") {
    return fine("paths are walked name by name: this system has no openat2");
  }
  const hint = "Linux 5.6 has it; a container may have to allow it";
  return warning("no openat2 here: paths are walked name by name, which is slower", hint);
}

/** @throws FtpxError BAD_CONFIG, BAD_ACCOUNTS */
async function accounts(place: Place): Promise<Seen> {
  const { accounts: all } = await place.openAccounts();
  const disabled = [...all.values()].filter(({ isDisabled }) => isDisabled).length;
  const known = { accounts: all.size, disabled };
  const text = `${formatCount(all.size, "account")}${disabled > 0 ? `, ${disabled} disabled` : ""}`;
  if (all.size === 0) return warning("there are no accounts", "ftpx useradd NAME makes one", known);
  return fine(text, known);
}

/** @throws FtpxError BAD_CONFIG when others can read the key, or it is not the certificate's */
async function identity(place: Place): Promise<Seen> {
  const isWhole = (await find(join(place.own, "identity.crt"))) !== undefined;
  if ((await find(join(place.own, "identity.key"))) === undefined) {
    const hint = "the next start makes another one, and every client will refuse it";
    throw new FtpxError("BAD_CONFIG", { reason: "identity.key is gone" }, { hint });
  }
  if (!isWhole) return warning("identity.crt is gone", "the next start makes it from the key");
  const found = await findIdentity(place.own);
  const fingerprint = found?.fingerprint ?? "";
  return fine(fingerprint, { fingerprint });
}

/** @throws FtpxError STATE_DAMAGED, SERVER_RUNNING, NO_PERMISSION */
async function state(place: Place): Promise<Seen> {
  await withOffice(place, (office) => office.verify());
  return fine("the database holds together (ftpx check compares it with the files)");
}

/** @throws FtpxError PEER_SILENT */
async function server(place: Place): Promise<Seen> {
  if (!(await isServed(place))) {
    const hint = "ftpx serve starts one, ftpx service install one at every start";
    return warning("none is running here", hint, { running: false });
  }
  const asking = withServer(place, allSessions);
  const late = Promise.withResolvers<undefined>();
  const timer = setTimeout(late.resolve, ANSWER_MS_MAX, undefined);
  const sessions = await Promise.race([asking, late.promise]).finally(() => clearTimeout(timer));
  if (sessions === undefined) {
    // Whatever it answers now is too late.
    asking.catch(() => {});
    const hint = "it is stopped, or overloaded: look at its log, start it again";
    throw new FtpxError("PEER_SILENT", { elapsedMs: ANSWER_MS_MAX }, { hint });
  }
  const text = `answers, ${formatCount(sessions.length, "session")}`;
  return fine(text, { running: true, sessions: sessions.length });
}

/** An operator's question to a server that is well takes milliseconds. */
const ANSWER_MS_MAX = 5_000;
