/**
 * What happens to a data directory while its server is stopped, in the server's audit log: by
 * the command that does it. Such lines say `while: stopped`. What a running server does it
 * writes itself; nobody else appends to its log then.
 *
 * Of the accounts, `accounts.told` beside the log has a print of each field as the log knows
 * it. So an edit by hand is told too, by the next command or the next start, and what was told
 * is not told again. A line may come twice after a crash, never not.
 */
import { differencesOf, printsOf } from "../accounts/differences.ts";
import type { Difference, Print, Prints } from "../accounts/differences.ts";
import type { Accounts } from "../accounts/parsing.ts";
import { encodeText } from "../base/bytes.ts";
import { isKind } from "../base/errors.ts";
import { formatEvent } from "../base/events.ts";
import type { EventSink, ServerEvent } from "../base/events.ts";
import { replaceFile } from "../base/replacement.ts";
import { AuditLog } from "./audit.ts";
import { visible } from "./escaping.ts";
import { withServer } from "./operator.ts";
import type { Place } from "./place.ts";
import { writeNote } from "./terminal.ts";

/**
 * Appends events, whose work is done: a log that takes none is said and no failure.
 *
 * @returns whether they are with the system
 */
export async function tellStopped(place: Place, events: readonly ServerEvent[]): Promise<boolean> {
  if (events.length === 0) return true;
  let failure: unknown;
  try {
    const log = await AuditLog.open(place.auditFile, {
      failed: (reason) => (failure = reason),
      resumed: () => {},
    });
    for (const event of events) log.append(formatEvent({ ...event, ...STOPPED }, new Date()));
    await log.close();
  } catch (error) {
    failure = error;
  }
  if (failure === undefined) return true;
  writeNote(`ftpx: ${visible(place.auditFile)}: this could not be written to the audit log`);
  return false;
}

const STOPPED = { while: "stopped" } as const;

/**
 * Runs a command that may change accounts. A running server has what it changed in force when
 * this resolves; where there is none, what it changed is told.
 */
export async function tellingAccounts<Value>(
  place: Place,
  work: () => Promise<Value>,
): Promise<Value> {
  // Where nothing is known yet, what the command finds is what it changes.
  const found = await readPrints(place).catch(() => undefined);
  try {
    return await work();
  } finally {
    // What the work itself ends with matters more.
    await tellSince(place, found).catch(() => {});
  }
}

async function tellSince(place: Place, found: Prints | undefined): Promise<void> {
  // In a folder that is no data directory nothing is made.
  if (!(await place.isMade())) return;
  const release = await place.lockAccounts();
  try {
    if (await hasFollowed(place)) return;
    const before = (await readTold(place)) ?? found;
    if (before === undefined) return;
    const after = await readPrints(place);
    const differences = differencesOf(before, after);
    if (await tellStopped(place, differences.map(eventOf))) await writeTold(place, after);
  } finally {
    await release();
  }
}

/** None where there is no file. @throws FtpxError BAD_ACCOUNTS, … */
async function readPrints(place: Place): Promise<Prints> {
  const directory = place.accounts();
  await directory.load();
  return printsOf(directory.accounts);
}

/** Whether there is a server, or may be one: nobody else appends to its log. */
async function hasFollowed(place: Place): Promise<boolean> {
  try {
    await withServer(place, (server) => server.call("settleAccounts", {}));
    return true;
  } catch (error) {
    return !isKind(error, "NO_SERVER");
  }
}

/** What a running server tells of its accounts, whoever changes them. */
export class AccountsTold {
  readonly #place: Place;
  readonly #emit: EventSink;
  #prints: Prints;
  #writing: Promise<void> = Promise.resolve();

  private constructor(place: Place, prints: Prints, emit: EventSink) {
    this.#place = place;
    this.#prints = prints;
    this.#emit = emit;
  }

  /** @param accounts are taken for known where nothing was told yet */
  static async open(place: Place, accounts: Accounts, emit: EventSink): Promise<AccountsTold> {
    return new AccountsTold(place, (await readTold(place)) ?? printsOf(accounts), emit);
  }

  /** What was changed while no server ran. */
  began(accounts: Accounts): void {
    this.#tell(accounts, STOPPED);
  }

  changed(accounts: Accounts): void {
    this.#tell(accounts, {});
  }

  /** What was told is known to the next run. */
  async settled(): Promise<void> {
    await this.#writing;
  }

  #tell(accounts: Accounts, facts: Omit<ServerEvent, "event">): void {
    const after = printsOf(accounts);
    for (const difference of differencesOf(this.#prints, after)) {
      this.#emit({ ...eventOf(difference), ...facts });
    }
    this.#prints = after;
    // One after the other, the last of them last. On a full disk the next run tells it again.
    const write = () => (this.#prints === after ? writeTold(this.#place, after) : undefined);
    this.#writing = this.#writing.then(write).catch(() => {});
  }
}

function eventOf({ fields, ...change }: Difference): ServerEvent {
  return { ...change, fields: fields.length === 0 ? undefined : fields.join(" ") };
}

/** Nothing where it is not there, or not whole. */
async function readTold(place: Place): Promise<Prints | undefined> {
  try {
    const kept = (await Bun.file(place.toldFile).json()) as Readonly<Record<string, Print>>;
    return new Map(Object.entries(kept));
  } catch {
    return undefined;
  }
}

async function writeTold(place: Place, prints: Prints): Promise<void> {
  const text = JSON.stringify(Object.fromEntries(prints));
  await replaceFile(place.toldFile, encodeText(`${text}\n`));
}
