/** `ftpx who`: who is connected to the server of this data directory, and what moves. */
import { setTimeout } from "node:timers/promises";
import { NAME_FAILURES_MAX } from "../base/limits.ts";
import { formatCount, formatDuration, formatRate, formatSize } from "../base/units.ts";
import type { Client } from "../client/client.ts";
import { unlessAborted } from "../client/remote.ts";
import { DATA, JSON_LINES } from "./args.ts";
import type { OptionsOf, Spec } from "./args.ts";
import { visible } from "./escaping.ts";
import { interruptible } from "./interrupt.ts";
import { inColumns, shorten } from "./layout.ts";
import { allSessions, withServer } from "./operator.ts";
import type { Presence } from "./operator.ts";
import { placeOf } from "./place.ts";
import {
  columnsOf,
  isOutputGone,
  isScreen,
  repaint,
  showLive,
  writeJson,
  writeLine,
  writeNote,
} from "./terminal.ts";

const OPTIONS = {
  data: DATA,
  watch: { flags: "--watch", about: "look again every second, until Ctrl-C" },
  json: JSON_LINES,
} as const;

export const WHO: Spec<typeof OPTIONS> = {
  name: "who",
  about: "Lists who is connected, and what moves",
  usage: "",
  words: [0, 0],
  options: OPTIONS,
  examples: ["ftpx who", "ftpx who --watch", "ftpx who --json --data /srv/ftpx"],
};

const WATCH_EVERY_MS = 1000;

/** Where nobody looks, a line may be as long as it is. */
const UNLIMITED = Number.POSITIVE_INFINITY;

export async function who(
  _words: readonly string[],
  { data, watch, json }: OptionsOf<typeof OPTIONS>,
): Promise<void> {
  await withServer(placeOf(data), async (client) => {
    if (watch !== true) await showOnce(client, json === true);
    else await interruptible(false, (signal) => watchAll(client, json === true, signal));
  });
}

async function showOnce(client: Client, isJson: boolean): Promise<void> {
  show(await allSessions(client), isJson);
  const { sources, names } = await client.call("throttling", {});
  if (sources > 0) {
    const are = sources === 1 ? "address is" : "addresses are";
    writeNote(`${sources} ${are} shut out for failed sign-ins; the audit log names them`);
  }
  if (names > 0) {
    const are = names === 1 ? "name is" : "names are";
    writeNote(
      `${names} ${are} guarded after ${NAME_FAILURES_MAX} failures: a change of the account ends that`,
    );
  }
}

function show(sessions: readonly Presence[], isJson: boolean): void {
  if (isJson) for (const session of sessions) writeJson(eventOf(session));
  else if (sessions.length === 0) writeNote("nobody is connected");
  else {
    const columns = isScreen(process.stdout) ? columnsOf(process.stdout) : UNLIMITED;
    for (const line of sessionLines(sessions, columns)) writeLine(line);
  }
}

/** Ends well by Ctrl-C, which is how it is meant to end, or when nobody looks any more. */
async function watchAll(client: Client, isJson: boolean, signal: AbortSignal): Promise<void> {
  let lines: readonly string[] = [];
  const isLive = !isJson && isScreen(process.stderr);
  const view = (_columns: number, rows: number) => fitted(lines, rows);
  const hide = isLive ? showLive(view) : () => {};
  try {
    while (!isOutputGone(isLive ? process.stderr : process.stdout)) {
      const sessions = await unlessAborted(allSessions(client), signal);
      if (isLive) {
        lines = [titleOf(sessions), ...sessionLines(sessions, columnsOf(process.stderr))];
        repaint();
      } else show(sessions, isJson);
      await setTimeout(WATCH_EVERY_MS, undefined, { signal });
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    hide();
  }
}

function fitted(lines: readonly string[], rows: number): readonly string[] {
  if (lines.length <= rows) return lines;
  const shown = Math.max(1, rows - 1);
  return [...lines.slice(0, shown), `… and ${lines.length - shown} more lines`];
}

function titleOf(sessions: readonly Presence[]): string {
  const transfers = sessions.reduce((sum, { transferCount }) => sum + transferCount, 0);
  const rate = sessions
    .flatMap((one) => one.transfers)
    .reduce((sum, one) => sum + one.bytesPerSecond, 0);
  const counts = [formatCount(sessions.length, "session"), formatCount(transfers, "transfer")];
  return [...counts, formatRate(rate)].join(", ");
}

const HEADINGS = ["SESSION", "USER", "ADDRESS", "DOOR", "CLIENT", "HERE FOR", "IDLE FOR"];

/** A line for each session, and below it one for each of its transfers. */
export function sessionLines(sessions: readonly Presence[], columns: number): string[] {
  const [heading = "", ...rows] = inColumns([HEADINGS, ...sessions.map(cellsOf)]);
  const lines = sessions.flatMap((session, index) => [
    rows[index] ?? "",
    ...moveLines(session, columns),
  ]);
  return [heading, ...lines].map((line) => shorten(line, columns - 1));
}

/** Shorter than this is a pause between two requests. */
const IDLE_MS_MIN = 1000;

function cellsOf({ id, user, address, door, client, ageMs, idleMs }: Presence): string[] {
  return [
    String(id),
    user === "" ? "-" : visible(user),
    visible(address),
    visible(door),
    client === "" ? "-" : visible(client),
    formatDuration(ageMs),
    idleMs < IDLE_MS_MIN ? "-" : formatDuration(idleMs),
  ];
}

const WORDS = { upload: "put", download: "get", copy: "cp" } as const;

const PATH_COLUMNS_MIN = 12;

const INDENT = " ".repeat(9);

function moveLines({ transfers, transferCount }: Presence, columns: number): string[] {
  const facts = transfers.map(({ doneBytes, totalBytes, bytesPerSecond }) => [
    totalBytes === undefined ? "" : `${percentOf(doneBytes, totalBytes)} %`,
    totalBytes === undefined ? "" : `${formatSize(doneBytes)} of ${formatSize(totalBytes)}`,
    formatRate(bytesPerSecond),
  ]);
  const taken = Math.max(0, ...inColumns(facts).map((line) => line.length));
  const room = Math.max(PATH_COLUMNS_MIN, columns - INDENT.length - taken - 10);
  const lines = inColumns(
    transfers.map(({ direction, path }, index) => [
      WORDS[direction],
      shorten(visible(path), room),
      ...(facts[index] ?? []),
    ]),
  );
  const leftCount = transferCount - transfers.length;
  if (leftCount > 0) lines.push(`and ${leftCount} more`);
  return lines.map((line) => INDENT + line);
}

/** 100 only when all of it is there. */
export function percentOf(doneBytes: number, totalBytes: number): number {
  return totalBytes === 0 ? 100 : Math.floor((doneBytes / totalBytes) * 100);
}

function eventOf({ id, transfers, ...session }: Presence): Record<string, unknown> {
  const moves = transfers.map((one) => ({
    ...one,
    ...(one.totalBytes === undefined ? {} : { percent: percentOf(one.doneBytes, one.totalBytes) }),
  }));
  return { session: id, ...session, transfers: moves };
}
