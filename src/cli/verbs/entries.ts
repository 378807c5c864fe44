/**
 * What a directory holds: page by page as the server sorts it, written for a person or a
 * script as it comes.
 */
import { FtpxError } from "../../base/errors.ts";
import { TREE_ENTRIES_MAX } from "../../base/limits.ts";
import type { VirtualPath } from "../../base/path.ts";
import { childPath, nameBytes } from "../../base/path.ts";
import type { Client, ReplyOf } from "../../client/client.ts";
import { unlessAborted } from "../../client/remote.ts";
import { formatJson, unmistakable } from "../escaping.ts";
import { sideBySide } from "../layout.ts";
import { coloursOf, columnsOf, isOutputGone, isScreen, writeLines } from "../terminal.ts";
import type { Stage } from "./verb.ts";

export type Entry = ReplyOf<"list">["entries"][number];

/** Pages asked for before they are needed: on a long line the next ones are on their way already. */
const PAGES_AHEAD = 4;

/**
 * A directory's entries, by the bytes of their names. Over one connection: another one does
 * not know the cursor.
 *
 * @throws FtpxError NO_SUCH_PATH, NOT_A_DIRECTORY, BAD_BODY, TREE_TOO_LARGE, …
 */
export async function* pagesOf(client: Client, path: VirtualPath): AsyncGenerator<Entry[]> {
  const first = await client.call("list", { path, cursor: 0 });
  const { cursor } = first;
  const ahead: Promise<ReplyOf<"list">>[] = [];
  const ask = (): void => {
    const page = client.call("list", { path, cursor });
    // Those behind the last page are refused, and nobody waits for them.
    page.catch(() => {});
    ahead.push(page);
  };
  let count = demandAdvance(first, 0);
  if (cursor !== 0) for (let asked = 0; asked < PAGES_AHEAD; asked += 1) ask();
  yield first.entries;
  for (let page = await ahead.shift(); page !== undefined; page = await ahead.shift()) {
    if (page.cursor !== 0 && page.cursor !== cursor) {
      throw new FtpxError("BAD_BODY", { reason: "the cursor of another listing" });
    }
    count = demandAdvance(page, count);
    if (page.cursor !== 0) ask();
    yield page.entries;
    if (page.cursor === 0) return;
  }
}

/** A server whose pages never end would keep us for ever. @returns entries so far */
function demandAdvance({ entries, cursor }: ReplyOf<"list">, before: number): number {
  if (entries.length === 0 && cursor !== 0) {
    throw new FtpxError("BAD_BODY", { reason: "a page of nothing" });
  }
  const count = before + entries.length;
  if (count > TREE_ENTRIES_MAX) throw new FtpxError("TREE_TOO_LARGE", { limit: TREE_ENTRIES_MAX });
  return count;
}

/**
 * Shows each page as it comes. A connection that is lost in between is made again, and the
 * listing goes on behind the last name that was shown.
 *
 * @throws FtpxError NO_SUCH_PATH, NOT_A_DIRECTORY, INTERRUPTED, …
 */
export async function eachPage(
  { remote, signal }: Pick<Stage, "remote" | "signal">,
  path: VirtualPath,
  show: (page: readonly Entry[]) => Promise<void>,
): Promise<void> {
  let count = 0;
  let last: Uint8Array | undefined;
  const work = async (client: Client): Promise<void> => {
    for await (const page of pagesOf(client, path)) {
      if (signal.aborted || isOutputGone()) return;
      const shown = last;
      const fresh = shown === undefined ? page : page.filter(({ name }) => isBehind(name, shown));
      await show(fresh);
      count += fresh.length;
      const newest = fresh.at(-1);
      if (newest !== undefined) last = nameBytes(newest.name);
    }
  };
  await unlessAborted(remote.retrying(work, { signal, progress: () => count }), signal);
}

export function byName(a: { readonly name: string }, b: { readonly name: string }): number {
  if (a.name === b.name) return 0;
  return a.name < b.name ? -1 : 1;
}

function isBehind(name: string, shown: Uint8Array): boolean {
  return Buffer.compare(nameBytes(name), shown) > 0;
}

interface Manner {
  readonly isLong: boolean;
  readonly isJson: boolean;
  /** For JSON: the exact path of a name. */
  readonly pathOf: (name: string) => string;
}

/** Shows one listing, in as many pages as come. */
export class EntryWriter {
  readonly #manner: Manner;
  /** Of the pages before too: a column does not become narrower. */
  #sizeColumns = 0;

  constructor(manner: Manner) {
    this.#manner = manner;
  }

  async write(page: readonly Entry[]): Promise<void> {
    await writeLines(this.#manner.isJson ? this.#json(page) : this.#text(page));
  }

  /** Names are exact in JSON, and so is the path that leads to them. */
  #json(page: readonly Entry[]): string[] {
    return page.map(({ name, kind, bytes, modifiedMs }) =>
      formatJson({ name, path: this.#manner.pathOf(name), kind, bytes, modifiedMs }),
    );
  }

  /** Side by side on a terminal, one a line for others and with `isLong`. */
  #text(page: readonly Entry[]): string[] {
    const { stdout } = process;
    const isTerminal = isScreen(stdout);
    const { blue, cyan } = coloursOf(stdout);
    const names = page.map(
      ({ name, kind }) => unmistakable(name) + (isTerminal ? markOf(kind) : ""),
    );
    const paint = (name: string, index: number) => {
      const kind = page[index]?.kind;
      if (kind === "directory") return blue(name);
      return kind === "link" ? cyan(name) : name;
    };
    if (!this.#manner.isLong) {
      return isTerminal ? sideBySide(names, columnsOf(stdout), paint) : names;
    }
    this.#sizeColumns = Math.max(this.#sizeColumns, sizeColumnsOf(page));
    return longLines(page, names.map(paint), this.#sizeColumns);
  }
}

export function pathsIn(directory: VirtualPath): (name: string) => string {
  return (name) => childPath(directory, name);
}

/** `-  12400000000  2026-03-01 14:05  a.iso` */
export function longLines(
  entries: readonly Entry[],
  names: readonly string[],
  sizeColumns = sizeColumnsOf(entries),
): string[] {
  return entries.map((entry, index) => {
    const size = sizeOf(entry).padStart(sizeColumns);
    const { kind, modifiedMs } = entry;
    return [LETTERS[kind], size, formatDate(modifiedMs), names[index] ?? ""].join("  ");
  });
}

function sizeColumnsOf(entries: readonly Entry[]): number {
  return entries.reduce((widest, entry) => Math.max(widest, sizeOf(entry).length), 0);
}

function sizeOf({ kind, bytes }: Entry): string {
  return kind === "file" ? `${bytes}` : "-";
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
