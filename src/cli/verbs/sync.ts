/**
 * `sync`: which word is which side, and the options. What is done is mirror.ts's.
 *
 * In the shell the side on the server begins with a colon, so nobody has to remember which
 * way the arrow points: `sync photos :backup` sends, `sync :backup photos` fetches.
 */
import { existsSync } from "node:fs";
import { FtpxError } from "../../base/errors.ts";
import { systemPath } from "../../base/path.ts";
import { findBookmark } from "../../client/bookmarks.ts";
import { filterOf, parseRule } from "../../client/filter.ts";
import type { OptionSpecs } from "../args.ts";
import { settingsOf, TRANSFER_OPTIONS } from "./copies.ts";
import { runMirror } from "./mirror.ts";
import { verb } from "./verb.ts";
import type { Stage } from "./verb.ts";

const SYNC_OPTIONS = {
  delete: { flags: "--delete", about: "remove from DEST what SOURCE has not, when all was sent" },
  checksum: { flags: "--checksum", about: "compare digests instead of times" },
  include: {
    flags: "--include <glob>",
    about: "take what fits, whatever comes behind says",
    parse: (text: string) => parseRule(text, true),
    isList: true,
  },
  exclude: {
    flags: "--exclude <glob>",
    about: "leave out what fits; first match wins; NAME, /PATH or DIRECTORY/",
    parse: (text: string) => parseRule(text, false),
    isList: true,
  },
  ...TRANSFER_OPTIONS,
} as const satisfies OptionSpecs;

export const SYNC = verb({
  name: "sync",
  about: "Makes a directory like another one, on the server or here; sends what differs",
  options: SYNC_OPTIONS,
  shell: {
    usage: "LOCAL :PATH, or :PATH LOCAL",
    words: [2, 2],
    examples: ["sync photos :backup/photos", "sync --delete :backup/photos photos"],
  },
  oneShot: {
    usage: "LOCAL TARGET[/PATH], or TARGET[/PATH] LOCAL",
    words: [2, 2],
    examples: [
      "ftpx sync photos ann@files.example.org/photos",
      "ftpx sync --delete --exclude '*.tmp' ann@files.example.org/photos ./photos",
    ],
  },
  firstWord: ["side"],
  furtherWords: ["side"],
  target: remoteIndex,
  run: async (stage, words, options) => {
    const { spot, local, isSending } = sidesOf(stage, words);
    const settings = settingsOf({ ...options, noClobber: undefined });
    return await runMirror(stage, {
      path: spot.path,
      local,
      isSending,
      isDeleting: options.delete === true,
      isByContent: options.checksum === true,
      isDry: options.dryRun === true,
      isWanted: filterOf([...(options.include ?? []), ...(options.exclude ?? [])]),
      settings,
    });
  },
});

/** @throws FtpxError USAGE, and what `spot` throws */
function sidesOf(stage: Stage, words: readonly string[]) {
  const [first = "", second = ""] = words;
  const index = stage.shell === undefined ? remoteIndex(words) : colonIndex(words);
  const [remote, local] = index === 0 ? [first, second] : [second, first];
  const word = stage.shell === undefined ? remote : remote.slice(1) || ".";
  return { spot: stage.spot(word), local: stage.local(local), isSending: index === 1 };
}

/** @throws FtpxError USAGE */
function colonIndex(words: readonly string[]): number {
  const marked = words.filter((word) => word.startsWith(":"));
  if (marked.length === 1) return words[0]?.startsWith(":") === true ? 0 : 1;
  const reason = "one side is on the server and begins with a colon: sync LOCAL :PATH";
  throw new FtpxError("USAGE", { reason });
}

/** Which of two words of a command is a target. @throws FtpxError USAGE */
export function remoteIndex(words: readonly string[]): number {
  const [first, second] = words.map(placeOf);
  if (first !== "local" && (second === "local" || (first === "remote" && second !== "remote"))) {
    return 0;
  }
  if (second !== "local" && (first === "local" || (second === "remote" && first !== "remote"))) {
    return 1;
  }
  const reason =
    "one side is this machine's, the other a server's: write ./NAME or ftpx://HOST/PATH";
  throw new FtpxError("USAGE", { reason });
}

/** What a word looks like; a bare name that is nothing here may be a host. */
function placeOf(word: string): "remote" | "local" | "either" {
  if (/^ftpx:\/\//i.test(word)) return "remote";
  const isPath = /^(?:~|\.{0,2}(?:\/|$))/.test(word);
  const isDrive = process.platform === "win32" && /^(?:[a-z]:|\.{0,2})[\\/]/i.test(word);
  if (isPath || isDrive) return "local";
  const isHere = existsSync(systemPath(word));
  // A bookmark and a file of the same name: the other side must tell.
  if (findBookmark(word) !== undefined) return isHere ? "either" : "remote";
  if (isHere) return "local";
  return /[@:]/.test(word) ? "remote" : "either";
}
