/**
 * Who wants an account, from the operator's side: pending, approve, deny. What happens then is
 * sessions/admission.ts; invites are inviting.ts.
 */
import { isIP } from "node:net";
import { FtpxError, isKind, withHint } from "../base/errors.ts";
import { NOTE_BYTES_MAX } from "../base/limits.ts";
import { formatDuration, parseCount } from "../base/units.ts";
import { sourceOf } from "../sessions/sources.ts";
import { ACCOUNT_OPTIONS, report } from "./admin.ts";
import { DATA, JSON_LINES } from "./args.ts";
import type { OptionsOf, Spec } from "./args.ts";
import { pick } from "./desk.ts";
import type { Desk, WaitingRow } from "./desk.ts";
import { visible } from "./escaping.ts";
import { inColumns } from "./layout.ts";
import { withOffice } from "./office.ts";
import { keepingOwner } from "./ownership.ts";
import { placeOf } from "./place.ts";
import { exitStatusOf } from "./status.ts";
import { writeJson, writeLine, writeNote } from "./terminal.ts";
import { showError } from "./trouble.ts";

const REQUEST = {
  flags: "--request <n>",
  about: "which one, when several of that name wait",
  parse: parseCount,
} as const;

const PENDING_OPTIONS = { data: DATA, json: JSON_LINES } as const;
const APPROVE_OPTIONS = {
  ...ACCOUNT_OPTIONS,
  request: REQUEST,
  withFiles: {
    flags: "--with-files",
    about: "with what an earlier account of that name has left",
  },
} as const;
const DENY_OPTIONS = {
  data: DATA,
  request: REQUEST,
  reason: { flags: "--reason <text>", about: "what the person is told" },
  all: { flags: "--all", about: "every request of that name" },
  from: { flags: "--from <address>", about: "every request of that address, or of its IPv6 /64" },
  json: JSON_LINES,
} as const;

export const PENDING: Spec<typeof PENDING_OPTIONS> = {
  name: "pending",
  about: "Lists who has asked for an account and waits",
  usage: "",
  words: [0, 0],
  options: PENDING_OPTIONS,
  examples: ["ftpx pending", "ftpx pending --json"],
};

export const APPROVE: Spec<typeof APPROVE_OPTIONS> = {
  name: "approve",
  about: "Makes the account that somebody has asked for",
  usage: "NAME",
  words: [1, 1],
  options: APPROVE_OPTIONS,
  examples: ["ftpx approve ann", "ftpx approve ann --quota '10 GiB' --access read-only"],
};

export const DENY: Spec<typeof DENY_OPTIONS> = {
  name: "deny",
  about: "Refuses an account that somebody has asked for",
  usage: "[NAME]",
  words: [0, 1],
  options: DENY_OPTIONS,
  examples: ["ftpx deny bob --reason 'who are you?'", "ftpx deny --from 192.0.2.7"],
};

export async function pending(
  _words: readonly string[],
  { data, json }: OptionsOf<typeof PENDING_OPTIONS>,
): Promise<void> {
  const rows = await atDesk(data, (desk) => desk.waiting());
  if (json === true) {
    for (const row of rows) writeJson(jsonOf(row));
  } else if (rows.length === 0) writeNote("nobody waits for an account");
  else for (const line of tableOf(rows)) writeLine(line);
}

/** Who waits, to choose from: each as a line of its own. */
export async function requestsAt(data: string) {
  const asked = () => atDesk(data, (desk) => desk.waiting());
  const rows = await keepingOwner(placeOf(data), asked);
  const [, ...lines] = tableOf(rows);
  return rows.map(({ number, user }, index) => ({ number, user, line: lines[index] ?? "" }));
}

/** @returns the exit status */
export async function approve(
  [name = ""]: readonly string[],
  { data, request, quota, files, access, withFiles, json }: OptionsOf<typeof APPROVE_OPTIONS>,
): Promise<number> {
  const limits = { quotaBytes: quota, filesMax: files, access };
  try {
    const number = await atDesk(data, async (desk) => {
      const row = pick(await desk.waiting(), name, request);
      const { number: chosen } = row;
      const mayTakeFiles = withFiles === true;
      const answer = { outcome: "approved", reason: "", mayTakeFiles, ...limits } as const;
      await desk.decide({ number: chosen, ...answer });
      return chosen;
    });
    report(json, { event: "approve", user: name, number }, `account ${name} created`);
    return 0;
  } catch (error) {
    const hint = hintFor(error, name);
    if (hint === undefined) throw error;
    // In place of what its row says, which is meant for another command.
    showError(withHint(error, hint, "ACCOUNT_EXISTS", "EXISTS"));
    return exitStatusOf(error);
  }
}

/** What can be done about a name that cannot be given; nothing for another failure. */
function hintFor(error: unknown, name: string): string | undefined {
  if (isKind(error, "ACCOUNT_EXISTS")) {
    return `ftpx deny ${name} --reason 'the name is taken' tells the person`;
  }
  if (!isKind(error, "EXISTS")) return undefined;
  const remove = `ftpx userdel ${name} --purge removes what an earlier account has left`;
  return `${remove}, approve --with-files hands it over`;
}

export async function deny(
  [name]: readonly string[],
  { data, request, reason = "", all, from, json }: OptionsOf<typeof DENY_OPTIONS>,
): Promise<void> {
  if ((name === undefined) === (from === undefined)) {
    throw new FtpxError("USAGE", { reason: "deny whom? NAME, or --from ADDRESS" });
  }
  if (from !== undefined && isIP(from) === 0) {
    throw new FtpxError("USAGE", { reason: `"${from}" is not an IP address` });
  }
  demandShort(reason, "--reason");
  const denied = await atDesk(data, async (desk) => {
    const rows = await desk.waiting();
    const chosen = chosenOf(rows, name, { request, from, isEvery: all === true });
    const limits = { quotaBytes: undefined, filesMax: undefined, access: undefined };
    const answer = { outcome: "denied", reason, mayTakeFiles: false, ...limits } as const;
    for (const { number } of chosen) await desk.decide({ number, ...answer });
    return chosen;
  });
  for (const { number, user } of denied) {
    report(json, { event: "deny", user, number }, `request ${number} of ${visible(user)} denied`);
  }
}

interface Choice {
  readonly request: number | undefined;
  readonly from: string | undefined;
  readonly isEvery: boolean;
}

/** @throws FtpxError NOT_WAITING, USAGE */
function chosenOf(
  rows: readonly WaitingRow[],
  name: string | undefined,
  { request, from, isEvery }: Choice,
): readonly WaitingRow[] {
  const isOne = from === undefined && !isEvery;
  if (isOne) return [pick(rows, name ?? "", request)];
  const fits = ({ user, address }: WaitingRow): boolean =>
    from === undefined ? user === name : sourceOf(address) === sourceOf(from);
  const found = rows.filter(fits);
  if (found.length > 0) return found;
  const reason = `no request of ${name ?? from ?? ""} waits (ftpx pending lists them)`;
  throw new FtpxError("NOT_WAITING", { reason });
}

/** A folder without accounts.toml is a mistake, and nothing is made in it. */
export async function atDesk<Value>(
  data: string | undefined,
  work: (desk: Desk) => Promise<Value>,
): Promise<Value> {
  const place = placeOf(data);
  await place.openAccounts();
  return await withOffice(place, ({ desk }) => work(desk));
}

/** @throws FtpxError USAGE */
export function demandShort(text: string, what: string): void {
  if (text.isWellFormed() && Buffer.byteLength(text) <= NOTE_BYTES_MAX) return;
  throw new FtpxError("USAGE", { reason: `${what} has more than ${NOTE_BYTES_MAX} bytes` });
}

function jsonOf({ number, user, address, note, askedMs, isTaken }: WaitingRow) {
  const asked = new Date(askedMs).toISOString();
  return { number, user, taken: isTaken, asked, address, note };
}

function tableOf(rows: readonly WaitingRow[]): string[] {
  const nowMs = Date.now();
  const cells = rows.map((row) => [
    String(row.number),
    visible(row.user) + (row.isTaken ? " (taken)" : ""),
    `${formatDuration(Math.max(0, nowMs - row.askedMs))} ago`,
    visible(row.address),
    visible(row.note),
  ]);
  return inColumns([["NUMBER", "NAME", "ASKED", "FROM", "NOTE"], ...cells]);
}
