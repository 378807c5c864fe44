/** `ftpx bookmark`: short names for targets, see client/bookmarks.ts. */
import { FtpxError } from "../base/errors.ts";
import {
  addBookmark,
  bookmarksFile,
  findBookmark,
  isBookmarkName,
  readBookmarks,
  removeBookmark,
} from "../client/bookmarks.ts";
import { parseTarget } from "../client/target.ts";
import { JSON_LINES } from "./args.ts";
import type { OptionsOf, Spec } from "./args.ts";
import { visible } from "./escaping.ts";
import { writeJson, writeLine, writeNote } from "./terminal.ts";

const OPTIONS = { json: JSON_LINES } as const;

export const BOOKMARK: Spec<typeof OPTIONS> = {
  name: "bookmark",
  about: "Short names for targets: NAME or NAME:PATH stands for one wherever it may",
  usage: "add NAME TARGET | list | rm NAME",
  words: [0, 3],
  options: OPTIONS,
  examples: [
    "ftpx bookmark add work ftpx://ann@files.example.org/backup#sha256:…",
    "ftpx put a.iso work:",
    "ftpx get work:2026/a.iso",
  ],
};

/** The words that each takes. */
const ACTIONS = { add: ["NAME", "TARGET"], list: [], rm: ["NAME"] } as const;

export async function bookmark(
  [action = "list", name = "", target = "", ...rest]: readonly string[],
  { json }: OptionsOf<typeof OPTIONS>,
): Promise<void> {
  demandWords(action, [name, target, ...rest].filter((word) => word !== "").length);
  if (action === "list") return list(json === true);
  if (action === "add") return await add(name, target, json === true);
  await removeBookmark(name);
  if (json === true) writeJson({ event: "removed", name });
  else writeNote(`bookmark ${visible(name)} removed`);
}

/** @throws FtpxError USAGE */
function demandWords(action: string, count: number): void {
  if (!Object.hasOwn(ACTIONS, action)) {
    throw new FtpxError("USAGE", { reason: `bookmark ${BOOKMARK.usage}` });
  }
  const wanted: readonly string[] = ACTIONS[action as keyof typeof ACTIONS];
  if (count === wanted.length) return;
  const usage = ["bookmark", action, ...wanted].join(" ");
  const missing = wanted.slice(count).join(" and ");
  const problem = missing === "" ? "too many words" : `${missing} is missing`;
  throw new FtpxError("USAGE", { reason: `${problem}: ${usage}` });
}

/** What another bookmark stands for is kept, not its name. What is replaced is told. */
async function add(name: string, word: string, isJson: boolean): Promise<void> {
  parseTarget(word);
  const found = isBookmarkName(word) ? findBookmark(word)?.target : undefined;
  const before = isBookmarkName(name) ? findBookmark(name)?.target : undefined;
  await addBookmark(name, found ?? word);
  const done = before === undefined ? "kept" : `replaced (it was ${visible(before)})`;
  if (!isJson) writeNote(`bookmark ${visible(name)} ${done}`);
  else if (before === undefined) writeJson({ event: "added", name });
  else writeJson({ event: "replaced", name, before });
}

function list(isJson: boolean): void {
  const all = readBookmarks();
  const width = all.reduce((widest, { name }) => Math.max(widest, name.length), 0);
  for (const { name, target } of all) {
    if (isJson) writeJson({ name, target });
    else writeLine(`${name.padEnd(width)}  ${visible(target)}`);
  }
  if (all.length === 0 && !isJson) writeNote(`no bookmarks in ${visible(bookmarksFile())}`);
}
