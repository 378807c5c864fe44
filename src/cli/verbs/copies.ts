/** `get` and `put`: which file goes where, before anything is copied. */
import { stat } from "node:fs/promises";
import { basename, join, sep } from "node:path";
import { ALGORITHMS, parseAlgorithm } from "../../base/digest.ts";
import { FtpxError } from "../../base/errors.ts";
import { TRANSFERS_MAX } from "../../base/limits.ts";
import { HOME, leafOf } from "../../base/path.ts";
import type { VirtualPath } from "../../base/path.ts";
import { parseCount, parseSize } from "../../base/units.ts";
import { localFailure } from "../../client/copy.ts";
import { Pace } from "../../client/pace.ts";
import type { OptionSpecs, OptionsOf } from "../args.ts";
import { safeLeaf } from "../../client/leaf.ts";
import { worstStatus } from "../terminal.ts";
import { runCopies } from "./jobs.ts";
import type { CopySettings, CopyTask } from "./jobs.ts";
import { destinationOf, forEach, verb } from "./verb.ts";
import type { Stage } from "./verb.ts";

const JOBS_DEFAULT = 4;

/** Requests that wait for their answers together: a long line is not waited for file by file. */
const ASKED_AT_ONCE = 64;

const COPY_OPTIONS = {
  digest: {
    flags: "--digest <algorithm>",
    about: `what proves the content: ${Object.keys(ALGORITHMS).join(", ")} (sha256)`,
    parse: parseAlgorithm,
  },
  limit: { flags: "--limit <rate>", about: "bytes a second, like 10M", parse: parseRate },
  jobs: { flags: "--jobs <number>", about: `files at once (${JOBS_DEFAULT})`, parse: parseJobs },
  restart: { flags: "--restart", about: "forget what an earlier attempt left" },
  noClobber: { flags: "--no-clobber", about: "never replace a file" },
} as const satisfies OptionSpecs;

export const GET = verb({
  name: "get",
  about: "Copies files from the server to this machine",
  options: COPY_OPTIONS,
  shell: {
    usage: "PATH… [LOCAL]",
    words: [1, Infinity],
    examples: ["get a.iso", "get backup/a.iso backup/b.iso ."],
  },
  oneShot: {
    usage: "TARGET/PATH… [LOCAL]",
    words: [1, Infinity],
    examples: [
      "ftpx get ann@files.example.org/a.iso",
      "ftpx get ann@files.example.org/a.iso /b.iso downloads/",
    ],
  },
  firstWord: ["remote"],
  furtherWords: ["remote", "local"],
  target: "first",
  run: async (stage, words, options) => {
    const lastWord = words.at(-1) ?? "";
    const hasLocal = words.length > 1 && !stage.isRemote(lastWord);
    const spots = (hasLocal ? words.slice(0, -1) : words).map((word) => stage.spot(word));
    const local = hasLocal ? stage.local(lastWord) : undefined;
    const localFor = await localPlace(local, spots.length);
    const tasks: CopyTask[] = [];
    const status = await forEach(
      spots,
      ({ path }) => path,
      async ({ path }) => {
        if (path === HOME) throw new FtpxError("IS_A_DIRECTORY");
        const label = leafOf(path);
        tasks.push({
          direction: "download",
          local: localFor(path),
          path,
          label,
          totalBytes: undefined,
        });
      },
    );
    demandDistinct(tasks, (task) => task.local);
    const sized = await withSizes(stage, tasks);
    return worstStatus([status, await runCopies(stage, sized, settingsOf(options))]);
  },
});

export const PUT = verb({
  name: "put",
  about: "Copies files from this machine to the server",
  options: COPY_OPTIONS,
  shell: {
    usage: "LOCAL… [PATH]",
    words: [1, Infinity],
    examples: ["put a.iso", "put a.iso b.iso backup/"],
  },
  oneShot: {
    usage: "LOCAL… TARGET/[PATH]",
    words: [2, Infinity],
    examples: [
      "ftpx put a.iso ann@files.example.org/backup/",
      "ftpx put --limit 10M a.iso b.iso ann@files.example.org",
    ],
  },
  firstWord: ["local"],
  furtherWords: ["local", "remote"],
  target: "last",
  run: async (stage, words, options) => {
    const hasDestination = words.length > 1;
    const spot = stage.spot(hasDestination ? (words.at(-1) ?? "") : "./");
    const locals = hasDestination ? words.slice(0, -1) : words;
    const pathFor = await destinationOf(stage, spot, locals.length);
    const tasks: CopyTask[] = [];
    const status = await forEach(
      locals.map((word) => stage.local(word)),
      (local) => local,
      async (local) => {
        const totalBytes = await localSize(local);
        const path = pathFor(basename(local));
        tasks.push({ direction: "upload", local, path, label: basename(local), totalBytes });
      },
    );
    demandDistinct(tasks, ({ path }) => path);
    return worstStatus([status, await runCopies(stage, tasks, settingsOf(options))]);
  },
});

function settingsOf(options: OptionsOf<typeof COPY_OPTIONS>): CopySettings {
  const { digest, limit, jobs, restart, noClobber } = options;
  return {
    algorithm: digest ?? "sha256",
    pace: limit === undefined ? undefined : new Pace(limit),
    isFresh: restart === true,
    mayReplace: noClobber !== true,
    jobs: jobs ?? JOBS_DEFAULT,
  };
}

/** @throws FtpxError USAGE */
function parseRate(text: string): number {
  const bytesPerSecond = parseSize(text);
  if (bytesPerSecond === 0) throw new FtpxError("USAGE", { reason: "a rate of 0 copies nothing" });
  return bytesPerSecond;
}

/** @throws FtpxError USAGE */
function parseJobs(text: string): number {
  const jobs = parseCount(text);
  if (jobs <= TRANSFERS_MAX) return jobs;
  throw new FtpxError("USAGE", { reason: `at most ${TRANSFERS_MAX} files at once` });
}

/**
 * What a file of the server is called here: in a directory its own name, if that is safe.
 *
 * @throws FtpxError NO_LOCAL_FILE, USAGE; for names UNSAFE_NAME
 */
async function localPlace(
  local: string | undefined,
  count: number,
): Promise<(path: VirtualPath) => string> {
  if (local === undefined) return (path) => safeLeaf(leafOf(path));
  if (local === "-") {
    const reason = "a file is proved before it is anybody's: name one instead of -";
    throw new FtpxError("USAGE", { reason });
  }
  const stats = await stat(local).catch(() => undefined);
  if (stats?.isDirectory() === true) return (path) => join(local, safeLeaf(leafOf(path)));
  const mustBeDirectory = count > 1 || local.endsWith("/") || local.endsWith(sep);
  if (!mustBeDirectory) return () => local;
  throw new FtpxError(stats === undefined ? "NO_LOCAL_FILE" : "NOT_A_DIRECTORY", { path: local });
}

/** @throws FtpxError USAGE, NO_LOCAL_FILE, LOCAL_IO, IS_A_DIRECTORY, NOT_A_FILE */
async function localSize(local: string): Promise<number> {
  if (local === "-") {
    const reason = "room is reserved by size, which stdin has not: put a file instead of -";
    throw new FtpxError("USAGE", { reason });
  }
  try {
    const stats = await stat(local);
    if (stats.isFile()) return stats.size;
    throw new FtpxError(stats.isDirectory() ? "IS_A_DIRECTORY" : "NOT_A_FILE", { path: local });
  } catch (error) {
    throw localFailure(error, local);
  }
}

/** Sizes say how long all of it takes; one file tells its own soon enough. */
async function withSizes(stage: Stage, tasks: readonly CopyTask[]): Promise<readonly CopyTask[]> {
  if (tasks.length < 2) return tasks;
  const sized = [...tasks];
  const queue = tasks.entries();
  const ask = async (): Promise<void> => {
    for (const [index, task] of queue) {
      sized[index] = { ...task, totalBytes: await findSize(stage, task.path) };
    }
  };
  await Promise.all(Array.from({ length: ASKED_AT_ONCE }, ask));
  return sized;
}

/** Whatever is wrong with a file is told when it is copied. */
async function findSize(stage: Stage, path: VirtualPath): Promise<number | undefined> {
  const asked = stage.remote.call("stat", { path }, stage.signal);
  const facts = await asked.catch(() => undefined);
  return facts?.kind === "file" ? facts.bytes : undefined;
}

/** Two files of one command must not become one. @throws FtpxError USAGE */
function demandDistinct(tasks: readonly CopyTask[], placeOf: (task: CopyTask) => string): void {
  const places = new Set<string>();
  for (const task of tasks) {
    const place = placeOf(task);
    if (places.has(place)) {
      throw new FtpxError("USAGE", { reason: `two files would become ${place}` });
    }
    places.add(place);
  }
}
