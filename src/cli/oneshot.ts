/**
 * One operation, then exit: the verbs of the table as commands of their own. The word
 * that is a target says the server; other targets in the same command are on it too, and
 * a bare absolute path is one of them.
 */
import { FtpxError } from "../base/errors.ts";
import { isGlob } from "../base/glob.ts";
import { findBookmark } from "../client/bookmarks.ts";
import { namedPath, parseTarget } from "../client/target.ts";
import type { Target } from "../client/target.ts";
import { parseWords } from "./args.ts";
import type { OptionSpecs, Parsed, Spec } from "./args.ts";
import { Countdown } from "./countdown.ts";
import { interruptible } from "./interrupt.ts";
import { openRemote } from "./opening.ts";
import type { ConnectOptions, Opened } from "./opening.ts";
import { VERBS } from "./verbs.ts";
import { specOf } from "./verbs/verb.ts";
import type { Spot, Stage, Verb } from "./verbs/verb.ts";

/** One command of the executable; `run` answers the exit status. */
interface ClientCommand {
  readonly spec: Spec;
  /** @throws FtpxError, HelpWanted */
  run(words: readonly string[]): Promise<number>;
}

/** All that a person can ask of a server besides a shell, for `ftpx help` and for running it. */
export const CLIENT_COMMANDS: readonly ClientCommand[] = VERBS.flatMap(commandOf);

function commandOf(row: Verb): ClientCommand[] {
  const spec = specOf(row, "one-shot");
  return spec === undefined ? [] : [{ spec, run: (words) => runOneShot(row, words) }];
}

/** @returns the exit status. @throws FtpxError, HelpWanted */
export async function runOneShot(row: Verb, words: readonly string[]): Promise<number> {
  const spec = specOf(row, "one-shot");
  if (spec === undefined) throw new Error(`${row.name} is for the shell only`);
  const one = new OneShot(row, parseWords(spec, words));
  return await interruptible(true, (signal) => one.run(signal));
}

/** One verb with its words, from the target to the exit status. */
class OneShot {
  readonly #row: Verb;
  readonly #parsed: Parsed<OptionSpecs>;
  /** The target as it was written. */
  readonly #named: string;

  constructor(row: Verb, parsed: Parsed<OptionSpecs>) {
    this.#row = row;
    this.#parsed = parsed;
    const { target } = row;
    const index = typeof target === "function" ? target(parsed.words) : target === "first" ? 0 : -1;
    this.#named = parsed.words.at(index) ?? "";
  }

  async run(signal: AbortSignal): Promise<number> {
    const target = parseTarget(this.#named);
    const countdown = new Countdown();
    const { words, options } = this.#parsed;
    // specOf has added them to every verb of one-shot use.
    const connecting = options as unknown as ConnectOptions;
    const opening = {
      options: connecting,
      onRetry: countdown.show,
      onBack: countdown.back,
      signal,
    };
    const opened = await openRemote(target, opening);
    try {
      const stage = this.#stage(target, opened, signal);
      return await this.#row.run(stage, words, options);
    } finally {
      countdown.stop();
      opened.remote.close();
    }
  }

  #stage(target: Target, opened: Opened, signal: AbortSignal): Stage {
    return {
      ...opened,
      signal,
      isJson: this.#parsed.options["json"] === true,
      spot: (word) => spotOf(word, target),
      isRemote: (word) => serverPartOf(word) === serverPartOf(this.#named),
      local: (word) => word,
      remotePattern: (word) => patternOf(word, target),
      localPattern: () => undefined,
      shell: undefined,
    };
  }
}

/**
 * A word of a command whose server is that of `target`.
 *
 * @throws FtpxError USAGE for another server's, and what parsePath throws
 */
export function spotOf(word: string, target: Target): Spot {
  if (word.startsWith("/")) {
    const path = namedPath(word);
    return { path, isDirectory: word.endsWith("/"), shown: path };
  }
  const { user, host, port, path, isDirectory } = parseTarget(word);
  const isSame = host === target.host && port === target.port;
  if (!isSame || (user !== undefined && user !== target.user)) {
    const reason = `"${word}" is on another server: one command, one server and user`;
    throw new FtpxError("USAGE", { reason });
  }
  return { path, isDirectory, shown: path };
}

/** The path of a word, with a pattern's characters in it; what a URL encodes stands for itself. */
function patternOf(word: string, target: Target): string | undefined {
  const isUrl = word.toLowerCase().startsWith("ftpx://");
  const literally = isUrl ? word.replace(/%(?:2a|3f|5b|5d|7b|7d|5c)/gi, "%5C$&") : word;
  const { path, isDirectory } = spotOf(literally, target);
  const isEscaped = /\\[*?[\]{}\\]/.test(path);
  return isGlob(path) || isEscaped ? `${path}${isDirectory ? "/" : ""}` : undefined;
}

/** Scheme, user, host and port, as they are written, here or in a bookmark. */
function serverPartOf(word: string): string {
  const written = findBookmark(word)?.target ?? word;
  return /^(?:ftpx:\/\/)?[^/]*/i.exec(written)?.[0] ?? "";
}
