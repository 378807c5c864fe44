/** `get` and `put` and their plural forms: which words are which, and the options of all copies. */
import { ALGORITHMS, parseAlgorithm } from "../../base/digest.ts";
import { FtpxError, withHint } from "../../base/errors.ts";
import { TRANSFERS_MAX } from "../../base/limits.ts";
import { parseCount, parseSize } from "../../base/units.ts";
import { Pace } from "../../client/pace.ts";
import type { OptionSpecs, OptionsOf } from "../args.ts";
import { expandLocals, expandOne, expandSpots } from "../expansion.ts";
import { worstStatus } from "../status.ts";
import { runBatch } from "./batch.ts";
import { gatherFetches } from "./fetches.ts";
import type { CopySettings } from "./jobs.ts";
import { gatherSends } from "./sends.ts";
import { destinationOf } from "./landing.ts";
import { JOBS_IN_WORDS } from "./parallel.ts";
import { NO_CLOBBER_OPTION, REMOTE_PATHS, verb } from "./verb.ts";
import type { Stage } from "./verb.ts";

/** Options of everything that copies content. */
export const TRANSFER_OPTIONS = {
  digest: {
    flags: "--digest <algorithm>",
    about: `what proves the content: ${Object.keys(ALGORITHMS).join(", ")} (sha256)`,
    parse: parseAlgorithm,
  },
  limit: { flags: "--limit <rate>", about: "bytes a second, like 10M", parse: parseRate },
  jobs: {
    flags: "--jobs <number>",
    about: `files at once (${JOBS_IN_WORDS})`,
    parse: parseJobs,
  },
  restart: { flags: "--restart", about: "forget what an earlier attempt left" },
  dryRun: { flags: "--dry-run", about: "say what would be done, and touch nothing" },
} as const satisfies OptionSpecs;

const COPY_OPTIONS = {
  recursive: { flags: "-r, --recursive", about: "directories too, with all they hold" },
  ...TRANSFER_OPTIONS,
  update: { flags: "--update", about: "leave files that are not older and of the same size" },
  noClobber: NO_CLOBBER_OPTION,
} as const satisfies OptionSpecs;

type CopyOptions = OptionsOf<typeof COPY_OPTIONS>;

export const GET = verb({
  name: "get",
  about: "Copies files from the server to this machine",
  options: COPY_OPTIONS,
  shell: {
    usage: "PATH… [LOCAL]",
    words: [1, Infinity],
    examples: ["get a.iso", "get backup/a.iso backup/b.iso .", "get -r photos"],
  },
  oneShot: {
    usage: "TARGET/PATH… [LOCAL]",
    words: [1, Infinity],
    examples: [
      "ftpx get ann@files.example.org/a.iso",
      "ftpx get ann@files.example.org/a.iso /b.iso downloads/",
      "ftpx get -r 'ann@files.example.org/photos/2026-*' .",
    ],
  },
  firstWord: ["remote"],
  furtherWords: ["remote", "local"],
  target: "first",
  run: async (stage, words, options) => {
    const lastWord = words.at(-1) ?? "";
    const hasLocal = words.length > 1 && !stage.isRemote(lastWord);
    const local = hasLocal ? stage.local(lastWord) : undefined;
    return await fetchAll(stage, hasLocal ? words.slice(0, -1) : words, local, options);
  },
});

export const MGET = verb({
  name: "mget",
  about: "Copies files from the server to the current local directory",
  options: COPY_OPTIONS,
  shell: { usage: "PATH…", words: [1, Infinity], examples: ["mget *.iso *.txt"] },
  ...REMOTE_PATHS,
  run: (stage, words, options) => fetchAll(stage, words, undefined, options),
});

export const PUT = verb({
  name: "put",
  about: "Copies files from this machine to the server",
  options: COPY_OPTIONS,
  shell: {
    usage: "LOCAL… [PATH]",
    words: [1, Infinity],
    examples: ["put a.iso", "put a.iso b.iso backup/", "put -r ~/photos backup"],
  },
  oneShot: {
    usage: "LOCAL… TARGET/[PATH]",
    words: [2, Infinity],
    examples: [
      "ftpx put a.iso ann@files.example.org/backup/",
      "ftpx put --limit 10M a.iso b.iso ann@files.example.org",
      "ftpx put -r photos ann@files.example.org/backup",
    ],
  },
  firstWord: ["local"],
  furtherWords: ["local", "remote"],
  target: "last",
  run: async (stage, words, options) => {
    const hasDestination = words.length > 1;
    const destination = hasDestination ? (words.at(-1) ?? "") : "./";
    return await sendAll(stage, hasDestination ? words.slice(0, -1) : words, destination, options);
  },
});

export const MPUT = verb({
  name: "mput",
  about: "Copies files from this machine to the current directory on the server",
  options: COPY_OPTIONS,
  shell: { usage: "LOCAL…", words: [1, Infinity], examples: ["mput *.iso *.txt"] },
  firstWord: ["local"],
  furtherWords: ["local"],
  target: "last",
  run: (stage, words, options) => sendAll(stage, words, "./", options),
});

async function fetchAll(
  stage: Stage,
  words: readonly string[],
  local: string | undefined,
  options: CopyOptions,
): Promise<number> {
  const { items, status } = await expandSpots(stage, words);
  const kinds = { isRecursive: options.recursive === true, isDry: options.dryRun === true };
  const batch = await gatherFetches(stage, items, local, kinds);
  const choices = { ...kinds, isUpdate: options.update === true };
  return worstStatus([status, await runBatch(stage, batch, settingsOf(options), choices)]);
}

async function sendAll(
  stage: Stage,
  words: readonly string[],
  destination: string,
  options: CopyOptions,
): Promise<number> {
  const { items, status } = await expandLocals(stage, words);
  const kinds = { isRecursive: options.recursive === true, isDry: options.dryRun === true };
  const spot = await expandOne(stage, destination);
  const finding = destinationOf(stage, spot, items.length, kinds.isRecursive);
  const isMany = stage.shell !== undefined && items.length > 1;
  const pathFor = await finding.catch((error: unknown) => {
    throw isMany ? withHint(error, HINT_MPUT, "NO_SUCH_PATH", "NOT_A_DIRECTORY") : error;
  });
  const batch = await gatherSends(stage, items, pathFor, kinds);
  const choices = { ...kinds, isUpdate: options.update === true };
  return worstStatus([status, await runBatch(stage, batch, settingsOf(options), choices)]);
}

const HINT_MPUT = "the last word is the directory on the server; mput takes files alone";

export function settingsOf(
  options: OptionsOf<typeof TRANSFER_OPTIONS> & { readonly noClobber?: true | undefined },
): CopySettings {
  const { digest, limit, jobs, restart, noClobber } = options;
  return {
    algorithm: digest ?? "sha256",
    pace: limit === undefined ? undefined : new Pace(limit),
    isFresh: restart === true,
    mayReplace: noClobber !== true,
    jobs,
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
