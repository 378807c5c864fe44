/** Verbs that look around: what there is, on the server and here, and where one is. */
import { lstat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { FtpxError, isKind } from "../../base/errors.ts";
import { outlineOf } from "../../base/openfile.ts";
import { HOME, leafOf, systemPath } from "../../base/path.ts";
import { localFailure } from "../../client/copy.ts";
import { localNames } from "../../client/localtree.ts";
import { unmistakable, visible } from "../escaping.ts";
import { expandLocals, expandOne, expandSpots } from "../expansion.ts";
import { forEachOf } from "./failing.ts";
import { worstStatus } from "../status.ts";
import { writeJson, writeLine } from "../terminal.ts";
import { byName, eachPage, EntryWriter, pathsIn } from "./entries.ts";
import type { Entry } from "./entries.ts";
import { forEach } from "./failing.ts";
import { demandDirectory } from "./landing.ts";
import { BARE, REMOTE_PATHS, shellOf, verb } from "./verb.ts";
import type { Spot, Stage } from "./verb.ts";

const LONG = {
  long: { flags: "-l, --long", about: "kind, size in bytes, date and name" },
  all: { flags: "-a, --all", about: "changes nothing: names with a dot are always listed" },
} as const;

const HINT_TREES = "a pattern goes through trees, as photos/** does; get -r copies them";

export const LS = verb({
  name: "ls",
  about: "Lists directories and files on the server",
  options: LONG,
  hints: { "-R": HINT_TREES, "-r": HINT_TREES, "--recursive": HINT_TREES },
  shell: { usage: "[PATH…]", words: [0, Infinity], examples: ["ls", "ls -l backup"] },
  oneShot: {
    usage: "TARGET[/PATH]…",
    words: [1, Infinity],
    examples: ["ftpx ls ann@files.example.org", "ftpx ls -l --json files.example.org/backup"],
  },
  ...REMOTE_PATHS,
  run: async (stage, words, { long }) => {
    const expanded = await expandSpots(stage, words.length === 0 ? ["."] : words);
    const { items: spots } = expanded;
    const isLong = long === true;
    // A single one is listed without a question before: nothing has to be sorted out.
    if (spots.length === 1) {
      const single = await forEachOf(stage, spots, (spot) => list(stage, spot, isLong));
      return worstStatus([expanded.status, single]);
    }
    const files: Entry[] = [];
    const directories: Spot[] = [];
    const status = await forEachOf(stage, spots, async (spot) => {
      const facts = await factsOf(stage, spot);
      if (facts.kind === "directory" || spot.isDirectory) directories.push(spot);
      else if (stage.isJson) await writerOf(stage, isLong, () => spot.path).write([facts]);
      else files.push({ ...facts, name: spot.shown });
    });
    await writerOf(stage, isLong).write(files);
    let isFirst = files.length === 0;
    const listed = await forEachOf(stage, directories, async (spot) => {
      if (!stage.isJson) writeLine(`${isFirst ? "" : "\n"}${unmistakable(spot.shown)}:`);
      isFirst = false;
      await list(stage, spot, isLong);
    });
    return worstStatus([expanded.status, status, listed]);
  },
});

/** A directory page by page, or a file as the only one. @throws FtpxError NO_SUCH_PATH, … */
async function list(stage: Stage, spot: Spot, isLong: boolean): Promise<void> {
  const { path, isDirectory, shown } = spot;
  const writer = writerOf(stage, isLong, pathsIn(path));
  try {
    await eachPage(stage, path, (page) => writer.write(page));
  } catch (error) {
    if (!isKind(error, "NOT_A_DIRECTORY") || isDirectory) throw error;
    const facts = await factsOf(stage, spot);
    const file = writerOf(stage, isLong, () => path);
    await file.write([stage.isJson ? facts : { ...facts, name: shown }]);
  }
}

function writerOf(
  { isJson }: Stage,
  isLong: boolean,
  pathOf: (name: string) => string = (name) => name,
): EntryWriter {
  return new EntryWriter({ isLong, isJson, pathOf });
}

async function factsOf({ remote, signal }: Stage, { path }: Spot): Promise<Entry> {
  return { ...(await remote.call("stat", { path }, signal)), name: leafOf(path) };
}

export const CD = verb({
  name: "cd",
  about: "Goes to another directory on the server",
  options: {},
  shell: { usage: "[PATH | -]", words: [0, 1], examples: ["cd backup", "cd ..", "cd -"] },
  firstWord: ["remote"],
  furtherWords: [],
  target: "first",
  run: async (stage, [word = HOME]) => {
    const shell = shellOf(stage);
    const isBack = word === "-";
    const path = isBack
      ? demandBefore(shell.before.directory)
      : (await expandOne(stage, word)).path;
    await demandDirectory(stage, path);
    shell.before.directory = shell.directory;
    shell.directory = path;
    if (stage.isJson) writeJson({ path });
    else if (isBack) writeLine(visible(path));
    return 0;
  },
});

export const PWD = verb({
  name: "pwd",
  about: "Names the current directory on the server",
  ...BARE,
  run: async (stage) => {
    const { directory } = shellOf(stage);
    if (stage.isJson) writeJson({ path: directory });
    else writeLine(visible(directory));
    return 0;
  },
});

export const LLS = verb({
  name: "lls",
  about: "Lists directories and files on this machine",
  options: LONG,
  shell: { usage: "[PATH…]", words: [0, Infinity], examples: ["lls", "lls -l /tmp"] },
  firstWord: ["local"],
  furtherWords: ["local"],
  target: "first",
  run: async (stage, words, { long }) => {
    const expanded = await expandLocals(stage, words.length === 0 ? ["."] : words);
    const { items: paths } = expanded;
    const status = await forEach(
      paths,
      (path) => path,
      async (path) => {
        const entries = await localEntries(path);
        const isFile = entries.length === 1 && entries[0]?.name === path;
        const isTitled = paths.length > 1 && !isFile && !stage.isJson;
        if (isTitled) writeLine(`${unmistakable(path)}:`);
        await writerOf(stage, long === true, (name) => resolve(path, name)).write(entries);
      },
    );
    return worstStatus([expanded.status, status]);
  },
});

export const LCD = verb({
  name: "lcd",
  about: "Goes to another directory on this machine",
  options: {},
  shell: { usage: "PATH | -", words: [1, 1], examples: ["lcd ~/downloads", "lcd -"] },
  firstWord: ["local"],
  furtherWords: [],
  target: "first",
  run: async (stage, [word = "."]) => {
    const { before } = shellOf(stage);
    const isBack = word === "-";
    const path = isBack ? demandBefore(before.local) : stage.local(word);
    let left: string | undefined;
    try {
      left = process.cwd();
      process.chdir(path);
    } catch (error) {
      throw localFailure(error, path);
    }
    if (left !== undefined) before.local = left;
    if (stage.isJson) writeJson({ path: process.cwd() });
    else if (isBack) writeLine(visible(process.cwd()));
    return 0;
  },
});

/** @throws FtpxError USAGE */
function demandBefore<Path extends string>(path: Path | undefined): Path {
  if (path !== undefined) return path;
  throw new FtpxError("USAGE", { reason: "no other directory was left yet (./- is one called -)" });
}

export const LPWD = verb({
  name: "lpwd",
  about: "Names the current directory on this machine",
  ...BARE,
  run: async (stage) => {
    if (stage.isJson) writeJson({ path: process.cwd() });
    else writeLine(visible(process.cwd()));
    return 0;
  },
});

/** A directory's entries, or a file as the only one. @throws FtpxError NO_LOCAL_FILE, LOCAL_IO */
async function localEntries(path: string): Promise<Entry[]> {
  try {
    const isDirectory = (await lstat(systemPath(path))).isDirectory();
    const names = isDirectory ? await localNames(path) : [""];
    const entries = await Promise.all(names.map((name) => localEntry(path, name)));
    return entries.filter((entry) => entry !== undefined).toSorted(byName);
  } catch (error) {
    throw localFailure(error, path);
  }
}

/** Nothing for what was removed meanwhile. */
async function localEntry(path: string, name: string): Promise<Entry | undefined> {
  const stats = await lstat(systemPath(join(path, name)), { bigint: true }).catch(() => undefined);
  if (stats === undefined) return undefined;
  return { name: name === "" ? path : name, ...outlineOf(stats) };
}
