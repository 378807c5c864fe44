/**
 * `ftpx invite`: one-time codes for accounts that need no answer, as a line to paste. The code
 * is shown once and kept by nobody but its holder.
 */
import { FtpxError, isKind, withHint } from "../base/errors.ts";
import { INVITE_MS_DEFAULT } from "../base/limits.ts";
import { formatDuration, formatSize, parseCount, parseDuration } from "../base/units.ts";
import { formatHost, parseTarget, PORT_DEFAULT } from "../client/target.ts";
import type { Target } from "../client/target.ts";
import { findIdentity } from "../doors/identity.ts";
import { ACCOUNT_OPTIONS, demandName, report } from "./admin.ts";
import { atDesk } from "./approvals.ts";
import type { OptionsOf, Spec } from "./args.ts";
import type { InviteLine } from "./desk.ts";
import { visible } from "./escaping.ts";
import { inColumns } from "./layout.ts";
import { reachedBy } from "./listening.ts";
import { placeOf } from "./place.ts";
import { writeJson, writeLine, writeNote } from "./terminal.ts";

const OPTIONS = {
  ...ACCOUNT_OPTIONS,
  name: { flags: "--name <name>", about: "good for this name only" },
  expires: {
    flags: "--expires <time>",
    about: "how long it can be used (7d)",
    parse: parseDuration,
  },
  host: {
    flags: "--host <host[:port]>",
    about: "how the server is reached, for the line to paste",
  },
  list: { flags: "--list", about: "the invites that are open or were closed lately" },
  revoke: {
    flags: "--revoke <n>",
    about: "take the invite with this number back",
    parse: parseCount,
  },
} as const;

type Options = OptionsOf<typeof OPTIONS>;

export const INVITE: Spec<typeof OPTIONS> = {
  name: "invite",
  about: "Makes a one-time invite to an account, as a line to paste",
  usage: "",
  words: [0, 0],
  options: OPTIONS,
  examples: [
    "ftpx invite --quota '10 GiB' --expires 2d",
    "ftpx invite --name ann --host files.example.org",
    "ftpx invite --list",
    "ftpx invite --revoke 3",
  ],
};

export async function invite(_words: readonly string[], options: Options): Promise<void> {
  if (options.list === true && options.revoke !== undefined) {
    throw new FtpxError("USAGE", { reason: "--list and --revoke exclude each other" });
  }
  if (options.list === true) await list(options);
  else if (options.revoke === undefined) await make(options);
  else await revoke(options, options.revoke);
}

async function make(options: Options): Promise<void> {
  const { data, name, quota, files, access, expires = INVITE_MS_DEFAULT, json } = options;
  if (name !== undefined) demandName(name);
  if (expires === 0) throw new FtpxError("USAGE", { reason: "an invite for no time is none" });
  // Before there is an invite that nobody is shown.
  const named = options.host === undefined ? undefined : parsePlace(options.host);
  const limits = { quotaBytes: quota, filesMax: files, access };
  const wish = { user: name, ...limits, lifeMs: expires };
  const identity = await findIdentity(placeOf(data).own);
  if (identity === undefined) {
    const reason = "the server has no key yet; ftpx serve makes it at its first start";
    throw new FtpxError("BAD_CONFIG", { reason });
  }
  const made = await atDesk(data, (desk) => desk.invite(wish)).catch((error: unknown) => {
    if (isKind(error, "EXISTS")) throw withHint(error, hintForLeft(name ?? ""), "EXISTS");
    if (!isKind(error, "REGISTRATION_OFF")) throw error;
    const reason = "the server takes nobody in: start it with --registration invite, or open";
    throw new FtpxError("BAD_CONFIG", { reason });
  });
  const hasPort = /:\d{1,5}$/.test(options.host ?? "");
  const host = named?.host ?? reachedBy(made.host);
  const port = hasPort ? (named?.port ?? 0) : made.port || PORT_DEFAULT;
  const user = name === undefined ? "" : `${name}@`;
  const target = `ftpx://${user}${formatHost(host, port)}#${identity.fingerprint}`;
  const code = Buffer.from(made.code).toString("hex");
  const line = `ftpx register ${target} --invite ${code}`;
  const { number, expiresMs } = made;
  if (json === true) {
    const expiresAt = new Date(expiresMs).toISOString();
    writeJson({ event: "invite", number, target, code, line, expires: expiresAt });
    return;
  }
  writeNote(`invite ${number}, good once, for ${formatDuration(expires)}; to join, paste:\n`);
  writeLine(line);
}

/** An invite hands nothing over, so that nobody gets the files of somebody else by it. */
function hintForLeft(name: string): string {
  const remove = `ftpx userdel ${name} --purge removes what an earlier account has left`;
  return `${remove}, ftpx useradd ${name} hands it over`;
}

/** @throws FtpxError USAGE */
function parsePlace(word: string): Target {
  // A bookmark is how this person reaches a server, not where others do.
  const target = parseTarget(word, () => undefined);
  const isPlace = target.user === undefined && target.fingerprint === undefined;
  if (isPlace && !word.includes("/")) return target;
  throw new FtpxError("USAGE", { reason: "--host takes HOST or HOST:PORT" });
}

async function list({ data, json }: Options): Promise<void> {
  const nowMs = Date.now();
  const invites = (await atDesk(data, (desk) => desk.invites())).map((row) => listed(row, nowMs));
  if (json === true) for (const row of invites) writeJson(jsonOf(row));
  else if (invites.length === 0) writeNote("there are no invites");
  else for (const line of tableOf(invites, nowMs)) writeLine(line);
}

async function revoke({ data, json }: Options, number: number): Promise<void> {
  if (!(await atDesk(data, (desk) => desk.revokeInvite(number)))) {
    const reason = `no invite ${number} is open (ftpx invite --list shows them)`;
    throw new FtpxError("NOT_WAITING", { reason });
  }
  report(json, { event: "revoke", number }, `invite ${number} taken back`);
}

/** What nobody can use any more is not open, whatever the database calls it. */
function listed(row: InviteLine, nowMs: number) {
  const isExpired = row.status === "open" && row.expiresMs <= nowMs;
  return { ...row, status: isExpired ? ("expired" as const) : row.status };
}

type Listed = ReturnType<typeof listed>;

function jsonOf({ expiresMs, ...row }: Listed) {
  const expires = new Date(expiresMs).toISOString();
  const { number, status, user, usedBy, quotaBytes, filesMax, access } = row;
  return { number, status, user, usedBy, quotaBytes, filesMax, access, expires };
}

function tableOf(rows: readonly Listed[], nowMs: number): string[] {
  const cells = rows.map((row) => [
    String(row.number),
    visible(row.usedBy ?? row.user ?? "any"),
    stateOf(row, nowMs),
    row.quotaBytes === undefined ? "default" : formatSize(row.quotaBytes),
    row.access ?? "full",
  ]);
  return inColumns([["NUMBER", "NAME", "STATE", "QUOTA", "ACCESS"], ...cells]);
}

function stateOf({ status, expiresMs }: Listed, nowMs: number): string {
  return status === "open" ? `open for ${formatDuration(expiresMs - nowMs)}` : status;
}
