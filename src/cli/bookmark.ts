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
import { visible, writeJson, writeLine, writeNote } from "./terminal.ts";

const OPTIONS = { json: JSON_LINES } as const;

export const BOOKMARK: Spec<typeof OPTIONS> = {
  name: "bookmark",
  about: "Short names for targets: NAME or NAME:PATH stands for one wherever it may",
  usage: "add NAME TARGET | list | rm NAME",
  words: [1, 3],
  options: OPTIONS,
  examples: [
    "ftpx bookmark add work ftpx://ann@files.example.org/backup#sha256:…",
    "ftpx put a.iso work:",
    "ftpx get work:2026/a.iso",
  ],
};

/** How many words each takes, itself among them. */
const ACTIONS = { add: 3, list: 1, rm: 2 } as const;

export async function bookmark(
  [action = "", name = "", target = "", ...rest]: readonly string[],
  { json }: OptionsOf<typeof OPTIONS>,
): Promise<void> {
  const wordCount = [action, name, target, ...rest].filter((word) => word !== "").length;
  if (!(action in ACTIONS) || wordCount !== ACTIONS[action as keyof typeof ACTIONS]) {
    throw new FtpxError("USAGE", { reason: `bookmark ${BOOKMARK.usage}` });
  }
  if (action === "list") return list(json === true);
  if (action === "add") return await add(name, target, json === true);
  await removeBookmark(name);
  if (json === true) writeJson({ event: "removed", name });
  else writeNote(`bookmark ${visible(name)} removed`);
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
