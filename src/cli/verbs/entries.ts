/** What a directory holds: fetched page by page, sorted, and written for a person or a script. */
import type { VirtualPath } from "../../base/path.ts";
import { childPath } from "../../base/path.ts";
import type { Client, ReplyOf } from "../../client/client.ts";
import { sideBySide } from "../layout.ts";
import { coloursOf, columnsOf, isScreen, visible, writeJson, writeLine } from "../terminal.ts";

export type Entry = ReplyOf<"list">["entries"][number];

/**
 * Over one connection: another one does not know the cursor.
 *
 * @throws FtpxError NO_SUCH_PATH, NOT_A_DIRECTORY, …
 */
export async function fetchEntries(client: Client, path: VirtualPath): Promise<Entry[]> {
  const entries: Entry[] = [];
  let cursor = 0;
  do {
    const page = await client.call("list", { path, cursor });
    entries.push(...page.entries);
    cursor = page.cursor;
  } while (cursor !== 0);
  return entries.toSorted(byName);
}

export function byName(a: { readonly name: string }, b: { readonly name: string }): number {
  if (a.name === b.name) return 0;
  return a.name < b.name ? -1 : 1;
}

/** Side by side on a terminal, one a line for others and with `isLong`. */
export function writeEntries(entries: readonly Entry[], isLong: boolean): void {
  const { stdout } = process;
  const isTerminal = isScreen(stdout);
  const { blue, cyan } = coloursOf(stdout);
  const names = entries.map(({ name, kind }) => visible(name) + (isTerminal ? markOf(kind) : ""));
  const paint = (name: string, index: number) => {
    const kind = entries[index]?.kind;
    if (kind === "directory") return blue(name);
    return kind === "link" ? cyan(name) : name;
  };
  const painted = () => names.map((name, index) => paint(name, index));
  if (isLong) for (const line of longLines(entries, painted())) writeLine(line);
  else if (!isTerminal) for (const name of names) writeLine(name);
  else for (const line of sideBySide(names, columnsOf(stdout), paint)) writeLine(line);
}

/** Names are exact in JSON, and so is the path that leads to them. */
export function writeEntriesJson(
  entries: readonly Entry[],
  pathOf: (name: string) => string,
): void {
  for (const { name, kind, bytes, modifiedMs } of entries) {
    writeJson({ name, path: pathOf(name), kind, bytes, modifiedMs });
  }
}

export function pathsIn(directory: VirtualPath): (name: string) => string {
  return (name) => childPath(directory, name);
}

/** `-  12400000000  2026-03-01 14:05  a.iso` */
export function longLines(entries: readonly Entry[], names: readonly string[]): string[] {
  const sizes = entries.map(({ kind, bytes }) => (kind === "file" ? `${bytes}` : "-"));
  const width = sizes.reduce((widest, size) => Math.max(widest, size.length), 0);
  return entries.map(({ kind, modifiedMs }, index) => {
    const size = (sizes[index] ?? "").padStart(width);
    return [LETTERS[kind], size, formatDate(modifiedMs), names[index] ?? ""].join("  ");
  });
}

/** "2026-03-01 14:05", in this machine's time zone. */
export function formatDate(timeMs: number): string {
  const date = new Date(timeMs);
  const day = [date.getFullYear(), two(date.getMonth() + 1), two(date.getDate())].join("-");
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}`;
}

function two(value: number): string {
  return `${value}`.padStart(2, "0");
}

const LETTERS = { file: "-", directory: "d", link: "l", other: "?" } as const;

function markOf(kind: Entry["kind"]): string {
  if (kind === "directory") return "/";
  return kind === "link" ? "@" : "";
}
