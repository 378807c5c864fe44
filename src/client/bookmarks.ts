/**
 * Short names of targets: FTPX_HOME/bookmarks, one line each, for editing by hand too.
 *
 *   # what is behind a # at the beginning of a line, and empty lines, mean nothing
 *   work ftpx://ann@files.example.org:9999/backup#sha256:…
 *
 * A change keeps all other lines as they are and replaces the file whole. What a target is
 * says target.ts; here it is the rest of a line.
 */
import { readFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { encodeText } from "../base/bytes.ts";
import { FtpxError, isKind, withPath } from "../base/errors.ts";
import { BOOKMARK_NAME_CHARACTERS_MAX, BOOKMARKS_MAX } from "../base/limits.ts";
import { replaceFile } from "../base/replacement.ts";
import { clientDirectory, homeFailure } from "./trust.ts";

export interface Bookmark {
  readonly name: string;
  readonly target: string;
}

/** Neither `@` nor `/` nor `:` is in a name, so most targets cannot be taken for one. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;
const ADDRESSED = /^([^:]*)(?::(.*))?$/s;

export function bookmarksFile(): string {
  return join(clientDirectory(process.env), "bookmarks");
}

/** @throws FtpxError BAD_CONFIG, LOCAL_IO */
export function readBookmarks(): Bookmark[] {
  return linesOf(readText()).flatMap(({ bookmark }) => bookmark ?? []);
}

/**
 * What `NAME` or `NAME:PATH` stands for, when there is such a bookmark.
 *
 * @throws FtpxError BAD_CONFIG, LOCAL_IO
 */
export function findBookmark(word: string): { target: string; path: string } | undefined {
  const [, name = "", path = ""] = ADDRESSED.exec(word) ?? [];
  if (!isBookmarkName(name)) return undefined;
  const target = readBookmarks().findLast((bookmark) => bookmark.name === name)?.target;
  return target === undefined ? undefined : { target, path };
}

/** In the place of one of the same name. @throws FtpxError USAGE, BAD_CONFIG, LOCAL_IO */
export async function addBookmark(name: string, target: string): Promise<void> {
  demandName(name);
  if (/[\r\n]/.test(target)) throw new FtpxError("USAGE", { reason: "a target is one line" });
  const lines = linesOf(readText());
  const added = { text: `${name} ${target}`, bookmark: { name, target } };
  const index = lines.findLastIndex(({ bookmark }) => bookmark?.name === name);
  if (index >= 0) lines[index] = added;
  else lines.push(added);
  if (lines.length > BOOKMARKS_MAX) {
    const reason = `too many bookmarks: at most ${BOOKMARKS_MAX} lines`;
    throw new FtpxError("USAGE", { reason });
  }
  await replaceText(lines);
}

/** @throws FtpxError NO_SUCH_BOOKMARK; USAGE for what is no name; BAD_CONFIG, LOCAL_IO */
export async function removeBookmark(name: string): Promise<void> {
  demandName(name);
  const lines = linesOf(readText());
  const kept = lines.filter(({ bookmark }) => bookmark?.name !== name);
  if (kept.length === lines.length) {
    throw new FtpxError("NO_SUCH_BOOKMARK", { reason: name });
  }
  await replaceText(kept);
}

export function isBookmarkName(text: string): boolean {
  return NAME.test(text) && text.length <= BOOKMARK_NAME_CHARACTERS_MAX;
}

function demandName(name: string): void {
  if (isBookmarkName(name)) return;
  const most = `1 to ${BOOKMARK_NAME_CHARACTERS_MAX}`;
  const reason = `"${name}" is no name for a bookmark: ${most} of a-z A-Z 0-9 . _ -, a letter or digit first`;
  throw new FtpxError("USAGE", { reason });
}

interface Line {
  readonly text: string;
  readonly bookmark: Bookmark | undefined;
}

function linesOf(text: string): Line[] {
  const lines = text.split("\n");
  if (lines.at(-1) === "") lines.pop();
  return lines.map((line, index) => ({ text: line, bookmark: parseLine(line, index + 1) }));
}

/** Nothing for notes and empty lines. @throws FtpxError BAD_CONFIG */
function parseLine(line: string, number: number): Bookmark | undefined {
  const trimmed = line.trim();
  if (trimmed === "" || trimmed.startsWith("#")) return undefined;
  const [, name = "", target = ""] = /^(\S+)\s+(.+)$/.exec(trimmed) ?? [];
  if (isBookmarkName(name)) return { name, target };
  throw new FtpxError("BAD_CONFIG", { reason: `${bookmarksFile()}:${number}: not "NAME TARGET"` });
}

/** At once, because a target is read in the middle of a line of words. */
function readText(): string {
  try {
    return readFileSync(bookmarksFile(), "utf8");
  } catch (error) {
    const failure = homeFailure(error, bookmarksFile());
    if (isKind(failure, "NO_LOCAL_FILE")) return "";
    throw failure;
  }
}

async function replaceText(lines: readonly Line[]): Promise<void> {
  const file = bookmarksFile();
  try {
    await mkdir(clientDirectory(process.env), { recursive: true, mode: 0o700 });
    await replaceFile(file, encodeText(lines.map(({ text }) => `${text}\n`).join("")));
  } catch (error) {
    throw withPath(homeFailure(error, file), file);
  }
}
