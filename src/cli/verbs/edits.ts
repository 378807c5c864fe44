/** Verbs that change what is on the server, without content. */
import { leafOf } from "../../base/path.ts";
import { writeJson } from "../terminal.ts";
import { destinationOf, forEach, verb } from "./verb.ts";
import type { Spot, Stage } from "./verb.ts";

const REMOTE_PATHS = {
  firstWord: ["remote"],
  furtherWords: ["remote"],
  target: "first",
} as const;

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
      await stage.remote.call("makeDir", { path, withParents: parents === true }, stage.signal);
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
      await stage.remote.call("remove", { path, isRecursive: recursive === true }, stage.signal);
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

export const MV = verb({
  name: "mv",
  about: "Renames on the server, or moves into a directory there",
  options: {},
  shell: {
    usage: "SOURCE… DEST",
    words: [2, Infinity],
    examples: ["mv draft.txt final.txt", "mv a.iso b.iso backup"],
  },
  oneShot: {
    usage: "TARGET/SOURCE… TARGET/DEST",
    words: [2, Infinity],
    examples: ["ftpx mv ann@files.example.org/draft.txt /final.txt"],
  },
  ...REMOTE_PATHS,
  run: async (stage, words) => {
    const spots = words.map((word) => stage.spot(word));
    const last = spots.pop();
    if (last === undefined) throw new Error("mv without words");
    const pathFor = await destinationOf(stage, last, spots.length);
    return await forEach(
      spots,
      ({ path }) => path,
      async ({ path: from }) => {
        const to = pathFor(leafOf(from));
        await stage.remote.call("move", { from, to }, stage.signal);
        tell(stage, "moved", { path: from, to });
      },
    );
  },
});

async function forEachSpot(
  stage: Stage,
  words: readonly string[],
  work: (spot: Spot) => Promise<void>,
): Promise<number> {
  const spots = words.map((word) => stage.spot(word));
  return await forEach(spots, ({ path }) => path, work);
}

/** What was done goes without saying, except to a script. */
function tell(stage: Stage, event: string, paths: Readonly<Record<string, string>>): void {
  if (stage.isJson) writeJson({ event, ...paths });
}
