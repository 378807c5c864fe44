/** Verbs that change what is on the server, without content. */
import { FtpxError, withHint } from "../../base/errors.ts";
import { leafOf } from "../../base/path.ts";
import type { VirtualPath } from "../../base/path.ts";
import { expandOne, expandSpots, forEachSpot } from "../expansion.ts";
import { forEachOf } from "./failing.ts";
import { worstStatus } from "../status.ts";
import { writeJson } from "../terminal.ts";
import { destinationOf } from "./landing.ts";
import { HINT_RECURSIVE, NO_CLOBBER_OPTION, REMOTE_PATHS, verb } from "./verb.ts";
import type { Stage } from "./verb.ts";

export const MKDIR = verb({
  name: "mkdir",
  about: "Makes directories on the server",
  options: { parents: { flags: "-p, --parents", about: "with those above, if need be" } },
  shell: { usage: "PATH…", words: [1, Infinity], examples: ["mkdir -p backup/2026"] },
  oneShot: {
    usage: "TARGET/PATH…",
    words: [1, Infinity],
    examples: ["ftpx mkdir -p ann@files.example.org/backup/2026"],
  },
  ...REMOTE_PATHS,
  run: (stage, words, { parents }) =>
    forEachSpot(stage, words, async ({ path }) => {
      const wish = { path, withParents: parents === true };
      await stage.remote.call("makeDir", wish, stage.signal).catch((error: unknown) => {
        throw withHint(error, "-p makes those above too", "NO_SUCH_PATH");
      });
      tell(stage, "made", { path });
    }),
});

export const RM = verb({
  name: "rm",
  aliases: ["remove"],
  about: "Removes files on the server",
  options: {
    recursive: { flags: "-r, --recursive", about: "directories too, with all they hold" },
  },
  shell: {
    usage: "PATH…",
    words: [1, Infinity],
    examples: ["rm a.iso b.iso", "rm -r backup/2019"],
  },
  oneShot: {
    usage: "TARGET/PATH…",
    words: [1, Infinity],
    examples: ["ftpx rm -r ann@files.example.org/backup/2019"],
  },
  ...REMOTE_PATHS,
  run: (stage, words, { recursive }) =>
    forEachSpot(stage, words, async ({ path }) => {
      const wish = { path, isRecursive: recursive === true };
      await stage.remote.call("remove", wish, stage.signal).catch((error: unknown) => {
        throw withHint(error, HINT_RECURSIVE, "IS_A_DIRECTORY");
      });
      tell(stage, "removed", { path });
    }),
});

export const RMDIR = verb({
  name: "rmdir",
  about: "Removes empty directories on the server",
  options: {},
  shell: { usage: "PATH…", words: [1, Infinity], examples: ["rmdir backup"] },
  oneShot: {
    usage: "TARGET/PATH…",
    words: [1, Infinity],
    examples: ["ftpx rmdir ann@files.example.org/backup"],
  },
  ...REMOTE_PATHS,
  run: (stage, words) =>
    forEachSpot(stage, words, async ({ path }) => {
      await stage.remote.call("removeDir", { path }, stage.signal);
      tell(stage, "removed", { path });
    }),
});

const SAME_PLACE = "source and destination are the same";

export const MV = verb({
  name: "mv",
  about: "Renames on the server, or moves into a directory there",
  options: { noClobber: NO_CLOBBER_OPTION },
  shell: {
    usage: "SOURCE… DEST",
    words: [2, Infinity],
    examples: ["mv draft.txt final.txt", "mv --no-clobber a.iso b.iso backup"],
  },
  oneShot: {
    usage: "TARGET/SOURCE… TARGET/DEST",
    words: [2, Infinity],
    examples: ["ftpx mv ann@files.example.org/draft.txt /final.txt"],
  },
  ...REMOTE_PATHS,
  run: (stage, words, { noClobber }) =>
    forEachPair(stage, words, async (from, to) => {
      // The server has nothing to do then; a person meant something else, as with cp.
      if (from === to) throw new FtpxError("BAD_PATH", { reason: SAME_PLACE });
      const wish = { from, to, mayReplace: noClobber !== true };
      await stage.remote.call("move", wish, stage.signal);
      tell(stage, "moved", { path: from, to });
    }),
});

/**
 * Every word but the last goes to the last: onto it, or into it when it is a directory.
 *
 * @param isMaking whether a source alone becomes the directory that is missing
 * @throws FtpxError USAGE when one would take the place of another
 */
export async function forEachPair(
  stage: Stage,
  words: readonly string[],
  work: (from: VirtualPath, to: VirtualPath) => Promise<void>,
  isMaking: (from: VirtualPath) => Promise<boolean> = () => Promise.resolve(false),
): Promise<number> {
  const last = words.at(-1);
  if (last === undefined) throw new Error("a verb of pairs without words");
  const { items, status } = await expandSpots(stage, words.slice(0, -1));
  const [only] = items;
  const isMade = items.length === 1 && only !== undefined && (await isMaking(only.path));
  const pathFor = await destinationOf(stage, await expandOne(stage, last), items.length, isMade);
  demandDistinct(items.map(({ path }) => pathFor(leafOf(path))));
  const done = await forEachOf(stage, items, ({ path }) => work(path, pathFor(leafOf(path))));
  return worstStatus([status, done]);
}

/** Or the first would be lost under the second. @throws FtpxError USAGE */
function demandDistinct(destinations: readonly VirtualPath[]): void {
  const taken = new Set<VirtualPath>();
  for (const path of destinations) {
    if (taken.has(path))
      throw new FtpxError("USAGE", { reason: `two things would become ${path}` });
    taken.add(path);
  }
}

/** What was done goes without saying, except to a script. */
export function tell(
  stage: Stage,
  event: string,
  facts: Readonly<Record<string, string | number>>,
): void {
  if (stage.isJson) writeJson({ event, ...facts });
}
