/**
 * What a verb is: one row that serves the shell and one-shot use, their help and their
 * completion; and the options and words that rows share. The rows themselves are in the files
 * beside this one, the table is verbs.ts.
 */
import { isIP } from "node:net";
import { FtpxError } from "../../base/errors.ts";
import { nearest } from "../../base/nearest.ts";
import type { VirtualPath } from "../../base/path.ts";
import { parseCount } from "../../base/units.ts";
import type { Remote } from "../../client/remote.ts";
import type { OptionSpecs, OptionsOf, Spec } from "../args.ts";
import type { History } from "../history.ts";

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

export function shellOf(stage: Stage): ShellState {
  if (stage.shell === undefined) throw new Error("a verb of the shell outside of it");
  return stage.shell;
}

/** What a person can do who left a word out. */
export const HINT_RECURSIVE = "-r takes a directory with all it holds";
export const HINT_PARENTS = "the directory is not there: mkdir -p makes it";
