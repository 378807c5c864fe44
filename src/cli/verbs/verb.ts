/**
 * What a verb is: one row that serves the shell and one-shot use, their help and their
 * completion. The rows themselves are in the files beside this one, the table is
 * verbs.ts.
 */
import { isIP } from "node:net";
import { FtpxError, isKind, withPath } from "../../base/errors.ts";
import { nearest } from "../../base/nearest.ts";
import { childPath, HOME, namesOf as stepsOf, resolvePath } from "../../base/path.ts";
import type { VirtualPath } from "../../base/path.ts";
import { parseCount } from "../../base/units.ts";
import type { Remote } from "../../client/remote.ts";
import type { OptionSpecs, OptionsOf, Spec } from "../args.ts";
import type { History } from "../history.ts";
import { exitStatusOf, showError, worstStatus } from "../terminal.ts";

/** A word of the command line that means something on the server. */
export interface Spot {
  readonly path: VirtualPath;
  /** Whether it was written with a slash at the end: it means a directory. */
  readonly isDirectory: boolean;
  /** As a person called it, without the server. */
  readonly shown: string;
}

/** What a verb works with. */
export interface Stage {
  readonly remote: Remote;
  readonly user: string;
  /** `HOST:PORT`. */
  readonly server: string;
  readonly fingerprint: string;
  /** The person does not want to wait any longer. */
  readonly signal: AbortSignal;
  readonly isJson: boolean;
  /** @throws FtpxError USAGE for another server's, BAD_PATH, OUTSIDE_HOME, NAME_TOO_LONG */
  spot(word: string): Spot;
  /** Whether a word can only mean something on the server. */
  isRemote(word: string): boolean;
  /** A word as a path on this machine. */
  local(word: string): string;
  /** A word as a pattern of base/glob.ts; nothing when it is none. */
  remotePattern(word: string): string | undefined;
  localPattern(word: string): string | undefined;
  /** Nothing in one-shot use. */
  readonly shell: ShellState | undefined;
}

/** What stays between the lines of a shell. */
export interface ShellState {
  directory: VirtualPath;
  /** Where `cd -` and `lcd -` lead. */
  readonly before: { directory?: VirtualPath; local?: string };
  isOver: boolean;
  readonly history: History;
  readonly verbs: readonly Verb[];
}

export type Place = "shell" | "one-shot";

export interface Usage {
  /** The words behind the options, for people. */
  readonly usage: string;
  readonly words: readonly [min: number, max: number];
  readonly examples: readonly string[];
  /** Further names, here only. */
  readonly aliases?: readonly string[];
}

/** What a word is, for its completion; a side is local unless it begins with a colon. */
export type WordKind = "remote" | "local" | "side" | "verb";

/** @param Options the verb's own; `--json` and what opens a connection are added by place */
export interface Verb<Options extends OptionSpecs = OptionSpecs> {
  readonly name: string;
  readonly aliases?: readonly string[];
  readonly about: string;
  readonly options: Options;
  /** See Spec. */
  readonly hints?: Readonly<Record<string, string>>;
  /** Absent where the verb is not offered. */
  readonly shell?: Usage;
  readonly oneShot?: Usage;
  readonly firstWord: readonly WordKind[];
  readonly furtherWords: readonly WordKind[];
  /** Which word names the server in one-shot use. */
  readonly target: "first" | "last" | ((words: readonly string[]) => number);
  /** @returns the exit status */
  run(stage: Stage, words: readonly string[], options: OptionsOf<Options>): Promise<number>;
}

/** A row whose options are not known to the compiler. */
export function verb<const Options extends OptionSpecs>(row: Verb<Options>): Verb {
  return row;
}

/** What a verb of the shell that takes neither words nor options says of itself. */
export const BARE = {
  options: {},
  shell: { usage: "", words: [0, 0], examples: [] },
  firstWord: [],
  furtherWords: [],
  target: "first",
} as const;

/** What a verb says of its words that are all paths on the server. */
export const REMOTE_PATHS = {
  firstWord: ["remote"],
  furtherWords: ["remote"],
  target: "first",
} as const;

/** Options of whatever opens a connection. */
export const CONNECT_OPTIONS = {
  acceptNew: { flags: "--accept-new", about: "trust a server that is not known here yet" },
  plain: { flags: "--plain", about: "without TLS, to a server on this machine only" },
  bind: {
    flags: "--bind <address>",
    about: "connect from this address of this machine",
    parse: parseBind,
  },
  key: {
    flags: "--key <file>",
    about: "sign in with this private key: Ed25519, OpenSSH format (FTPX_KEY; FTPX_KEY_PASSPHRASE)",
  },
  passwordStdin: { flags: "--password-stdin", about: "the password is the first line of stdin" },
  retries: {
    flags: "--retries <number>",
    about: "times a lost connection is made again (5)",
    parse: parseRetries,
  },
} as const satisfies OptionSpecs;

/** @throws FtpxError USAGE */
function parseBind(text: string): string {
  if (isIP(text) !== 0) return text;
  throw new FtpxError("USAGE", { reason: `"${text}" is not an address: as in 192.0.2.7, ::1` });
}

/** 0 turns it off. @throws FtpxError USAGE */
function parseRetries(text: string): number {
  if (text === "0") return 0;
  if (/^\d{1,15}$/.test(text)) return parseCount(text);
  throw new FtpxError("USAGE", { reason: `"${text}" is not a whole number from 0 on` });
}

/** Of whatever could replace a file. */
export const NO_CLOBBER_OPTION = {
  flags: "--no-clobber",
  about: "never replace a file: one that is there is a failure",
} as const;

export const JSON_OPTION = {
  json: { flags: "--json", about: "one JSON object a line on stdout" },
} as const satisfies OptionSpecs;

/** What args.ts reads the words of a verb by; nothing where the verb is not offered. */
export function specOf(row: Verb, place: Place): Spec | undefined {
  const use = place === "shell" ? row.shell : row.oneShot;
  if (use === undefined) return undefined;
  const { name, about, options, hints } = row;
  const { usage, words } = use;
  // What takes no words is its own example.
  const examples = use.examples.length === 0 && usage === "" ? [name] : use.examples;
  const aliases = [...(row.aliases ?? []), ...(use.aliases ?? [])];
  const added = place === "shell" ? JSON_OPTION : { ...CONNECT_OPTIONS, ...JSON_OPTION };
  return { name, aliases, about, usage, words, examples, hints, options: { ...options, ...added } };
}

/** Every name by which a verb goes in the shell. */
export function namesOf({ name, aliases = [], shell }: Verb): string[] {
  return [name, ...aliases, ...(shell?.aliases ?? [])];
}

/** @throws FtpxError USAGE with the nearest name */
export function findVerb(verbs: readonly Verb[], name: string): Verb {
  const found = verbs.find((row) => namesOf(row).includes(name));
  if (found !== undefined) return found;
  const near = nearest(name, verbs.flatMap(namesOf));
  const hint = near === undefined ? "see help" : `did you mean ${near}?`;
  throw new FtpxError("USAGE", { reason: `no verb "${name}" (${hint})` });
}

/**
 * Does one thing after the other. A failure has its own line and does not keep the others
 * from being tried, unless it is the connection that failed for good.
 *
 * @returns the worst status
 * @throws  FtpxError INTERRUPTED
 */
export async function forEach<Item>(
  items: readonly Item[],
  pathOf: (item: Item) => string,
  work: (item: Item) => Promise<void>,
): Promise<number> {
  const statuses: number[] = [];
  for (const item of items) {
    try {
      await work(item);
    } catch (error) {
      const failure = failureAt(error, pathOf(item));
      if (isKind(failure, "INTERRUPTED")) throw failure;
      statuses.push(tellFailure(pathOf(item), failure));
      if (endsAll(failure)) break;
    }
  }
  return worstStatus(statuses);
}

/** The same failure with the path it is about; a lost connection is about no path. */
export function failureAt(error: unknown, path: string): unknown {
  return endsAll(error) ? error : withPath(error, path);
}

/** @param path what it is about @returns the exit status */
export function tellFailure(path: string, error: unknown, hint?: string): number {
  const failure = failureAt(error, path);
  showError(failure, hint);
  return exitStatusOf(failure);
}

/** Whether what else there is to do would fail in the same way. */
export function endsAll(failure: unknown): boolean {
  return !(failure instanceof FtpxError) || failure.row.ends === "connection";
}

export function shellOf(stage: Stage): ShellState {
  if (stage.shell === undefined) throw new Error("a verb of the shell outside of it");
  return stage.shell;
}

/** What a person can do who left a word out. */
export const HINT_RECURSIVE = "-r takes a directory with all it holds";
export const HINT_PARENTS = "the directory is not there: mkdir -p makes it";

type Reach = Pick<Stage, "remote" | "signal">;

/**
 * An account that may only upload may be anywhere: what is there is hidden from it.
 *
 * @throws FtpxError NO_SUCH_PATH, NOT_A_DIRECTORY
 */
export async function demandDirectory(reach: Reach, path: VirtualPath): Promise<void> {
  const kind = await findKind(reach, path);
  if (kind === "missing") throw new FtpxError("NO_SUCH_PATH", { path });
  if (kind !== "directory" && kind !== "hidden") throw new FtpxError("NOT_A_DIRECTORY", { path });
}

/** What a path on the server is, `missing`, or `hidden` when this account may not look. */
async function findKind({ remote, signal }: Reach, path: VirtualPath) {
  try {
    const { kind } = await remote.call("stat", { path }, signal);
    return kind;
  } catch (error) {
    if (isKind(error, "NO_SUCH_PATH")) return "missing";
    if (isKind(error, "FORBIDDEN")) return "hidden";
    throw await blaming(remote, path, error);
  }
}

/** The failure names the file that stands where a directory has to, not what was looked for below. */
export async function blaming(remote: Remote, path: VirtualPath, error: unknown): Promise<unknown> {
  if (!isKind(error, "NOT_A_DIRECTORY") || error.details.path !== undefined) return error;
  return withPath(error, await fileAbove(remote, path));
}

/** What stands in the way of a path, because it is a file: it, or what is above it. */
async function fileAbove(remote: Remote, path: VirtualPath): Promise<VirtualPath> {
  let current = HOME;
  for (const name of stepsOf(path)) {
    current = childPath(current, name);
    const facts = await remote.call("stat", { path: current }).catch(() => undefined);
    if (facts?.kind !== "directory") return current;
  }
  return path;
}

/**
 * Where things go that are moved or copied to a place on the server: into it when it is a
 * directory, else under its own name, which only one of them can have.
 *
 * @param isMade whether one thing alone may become the directory that is missing
 * @returns what a thing with a name of its own is called there
 * @throws FtpxError NO_SUCH_PATH, NOT_A_DIRECTORY; for names NAME_TOO_LONG, BAD_PATH
 */
export async function destinationOf(
  stage: Stage,
  spot: Spot,
  count: number,
  isMade = false,
): Promise<(leaf: string) => VirtualPath> {
  const { path, shown } = spot;
  const kind = await findKind(stage, path).catch((error: unknown) => {
    throw failureAt(error, shown);
  });
  if (isMade && kind === "missing" && count === 1) return () => path;
  const mustBeDirectory = spot.isDirectory || count > 1;
  if (mustBeDirectory && kind === "missing") {
    throw new FtpxError("NO_SUCH_PATH", { path: shown }, { hint: HINT_PARENTS });
  }
  if (kind === "directory" || (mustBeDirectory && kind === "hidden")) {
    return (leaf) => resolvePath(path, `./${leaf}`);
  }
  if (mustBeDirectory) throw new FtpxError("NOT_A_DIRECTORY", { path: shown });
  return () => path;
}
