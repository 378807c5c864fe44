/** The verb for uploads that were cut off: they hold room until somebody goes on or gives up. */
import { isKind } from "../../base/errors.ts";
import { HOME } from "../../base/path.ts";
import type { VirtualPath } from "../../base/path.ts";
import { formatSize } from "../../base/units.ts";
import type { ReplyOf } from "../../client/client.ts";
import { allRows } from "../../client/pages.ts";
import { visible } from "../escaping.ts";
import { writeJson, writeLine, writeNote } from "../terminal.ts";
import { forEach } from "./failing.ts";
import { REMOTE_PATHS, verb } from "./verb.ts";
import type { Stage } from "./verb.ts";

type Unfinished = ReplyOf<"uploads">["uploads"][number];

export const UNFINISHED = verb({
  name: "unfinished",
  about: "Lists uploads that were cut off, or gives them up",
  options: {
    drop: {
      flags: "--drop",
      about: "give up those that are named, or all; their room is free again",
    },
  },
  shell: {
    usage: "[PATH…]",
    words: [0, Infinity],
    examples: ["unfinished", "unfinished --drop film.mkv"],
  },
  oneShot: {
    usage: "TARGET[/PATH…]",
    words: [1, Infinity],
    examples: [
      "ftpx unfinished ann@files.example.org",
      "ftpx unfinished --drop ann@files.example.org/film.mkv",
    ],
  },
  ...REMOTE_PATHS,
  run: async (stage, words, { drop }) => {
    const wanted = words.map((word) => stage.spot(word).path).filter((path) => path !== "/");
    const isNamed = drop === true && wanted.length > 0;
    const all = await fetchUnfinished(stage).catch((error: unknown) => {
      // An account that may only upload sees no names, and may give up those that it knows.
      if (isNamed && isKind(error, "FORBIDDEN")) return [];
      throw error;
    });
    const uploads = wanted.length === 0 ? all : all.filter(({ path }) => wanted.includes(path));
    if (drop !== true) {
      for (const upload of uploads) show(stage, "unfinished", upload);
      return 0;
    }
    // Also those that are named and not there, so that their failure is told.
    const paths = wanted.length === 0 ? all.map(({ path }) => path) : wanted;
    return await forEach(
      paths,
      (path) => path,
      async (path) => {
        await stage.remote.call("dropUpload", { path }, stage.signal);
        const upload = all.find((known) => known.path === path);
        show(stage, "dropped", upload ?? { path });
      },
    );
  },
});

/** All of this user's, by path. */
export async function fetchUnfinished({ remote, signal }: Stage): Promise<Unfinished[]> {
  const pageBehind = async (path: VirtualPath) => {
    const after = path === HOME ? undefined : path;
    return (await remote.call("uploads", { after }, signal)).uploads;
  };
  return await allRows(HOME, pageBehind, ({ path }) => path);
}

function show(
  { isJson }: Stage,
  event: "unfinished" | "dropped",
  { path, totalBytes, heldBytes }: Pick<Unfinished, "path"> & Partial<Unfinished>,
): void {
  if (isJson) writeJson({ event, path, bytes: totalBytes, heldBytes });
  else if (event === "dropped") writeNote(`dropped ${visible(path)}`);
  else if (totalBytes !== undefined && heldBytes !== undefined)
    writeLine(`${formatSize(heldBytes)} of ${formatSize(totalBytes)}  ${visible(path)}`);
}
