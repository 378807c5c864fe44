/**
 * An event of the server as one line for the person in whose terminal it runs: what matters
 * of it, within the columns that there are. The audit log has all of it.
 */
import type { EventValue, ServerEvent } from "../base/events.ts";
import { formatDuration, formatSize } from "../base/units.ts";
import { visible } from "./escaping.ts";
import { shorten } from "./layout.ts";

/** What the line begins with, what a person has no use for, and what serve says in another way. */
const OTHERWISE_SHOWN = new Set([
  "event",
  "user",
  "address",
  "door",
  "session",
  "count",
  "fingerprint",
]);

const PATHS = new Set(["path", "from", "to", "name"]);
const PATH_COLUMNS_MIN = 16;
const REASON_COLUMNS_MAX = 60;
const DIGEST_COLUMNS_MAX = 20;

export function eventLine(event: ServerEvent, time: Date, columns: number): string {
  const { user, address } = event;
  const peer = address === undefined ? user : `${user ?? "-"}@${address}`;
  const head = `${time.toTimeString().slice(0, 8)}  ${event.event.padEnd(13)}`;
  const fields = Object.entries(event).filter(
    ([name, value]) => value !== undefined && value !== "" && !OTHERWISE_SHOWN.has(name),
  );
  // Whoever has just edited accounts.toml has to mend it by this line.
  const isComplaint = event.event === "reload-failed";
  const paths = fields
    .filter(([name]) => PATHS.has(name))
    .map(([, value]) => visible(String(value)));
  const facts = fields
    .filter(([name]) => !PATHS.has(name))
    .map(([name, value]) =>
      isComplaint && name === "reason" ? visible(String(value)) : factOf(name, value),
    )
    .filter((fact) => fact !== "");
  const { count } = event;
  if (typeof count === "number" && count > 1) facts.unshift(`${count} entries`);
  const others = [head, visible(String(peer ?? "")), ...facts].filter((word) => word !== "");
  const taken = others.reduce((sum, word) => sum + Bun.stringWidth(word) + 2, 0);
  const arrows = 4 * Math.max(0, paths.length - 1);
  const room = Math.floor((columns - taken - arrows) / Math.max(1, paths.length));
  // Of all that is known a person misses the digest least.
  const isTight = room < PATH_COLUMNS_MIN && paths.some((path) => Bun.stringWidth(path) > room);
  if (isTight && event["digest"] !== undefined) {
    return eventLine({ ...event, digest: undefined }, time, columns);
  }
  const names = paths.map((path) => shorten(path, Math.max(PATH_COLUMNS_MIN, room))).join(" -> ");
  const [first = "", ...rest] = others;
  const words =
    peer === undefined ? [first, names, ...rest] : [first, rest[0] ?? "", names, ...rest.slice(1)];
  return words
    .filter((word) => word !== "")
    .join("  ")
    .trimEnd();
}

/** Names with units say how their numbers are meant. */
function factOf(name: string, value: EventValue): string {
  if (typeof value === "number") return numberOf(name, value);
  if (typeof value === "boolean") return value ? name : `not ${name}`;
  const text = visible(String(value));
  if (name === "digest") return shorten(text, DIGEST_COLUMNS_MAX);
  if (name === "direction" || name === "method") return text;
  // Stacks have many lines, and stand whole in the audit log.
  const [line = ""] = String(value).split("\n", 1);
  if (name === "reason" || name === "stack") return shorten(visible(line), REASON_COLUMNS_MAX);
  return `${name} ${text}`;
}

function numberOf(name: string, value: number): string {
  if (name === "resumedAt") return value === 0 ? "" : `from ${formatSize(value)} on`;
  if (name === "seconds") return formatDuration(value * 1000);
  if (name.endsWith("Ms")) return `${name.slice(0, -2)} ${formatDuration(value)}`;
  if (name === "bytes") return formatSize(value);
  if (name.endsWith("Bytes")) return `${name.slice(0, -5)} ${formatSize(value)}`;
  return `${name} ${value}`;
}
