/**
 * `ftpx connect`: one line after the other, each a verb of the table. How a person types one
 * is editor.ts's; while the verb runs, questions, progress and Ctrl-C belong to it.
 *
 * When stdin is not a terminal its lines are commands: no prompt, no history, and the
 * status of the worst at the end.
 */
import { homedir } from "node:os";
import { join } from "node:path";
import readline from "node:readline";
import { ERRORS, FtpxError } from "../base/errors.ts";
import { HOME } from "../base/path.ts";
import { namedPath, parseTarget } from "../client/target.ts";
import type { Target } from "../client/target.ts";
import { clientDirectory } from "../client/trust.ts";
import { HelpWanted, parseWords, wantsJson } from "./args.ts";
import type { OptionsOf, Spec } from "./args.ts";
import { Completion } from "./completion.ts";
import { Countdown } from "./countdown.ts";
import { LineEditor } from "./editor.ts";
import { History } from "./history.ts";
import { interruptible } from "./interrupt.ts";
import { openRemote } from "./opening.ts";
import type { Opened } from "./opening.ts";
import { promptText } from "./prompt.ts";
import { ask } from "./questions.ts";
import { endingStatus, exitStatusOf, worstStatus } from "./status.ts";
import { canAsk, coloursOf, columnsOf, writeLine, writeNote } from "./terminal.ts";
import { beginTelling, showError } from "./trouble.ts";
import { VERBS } from "./verbs.ts";
import { LOCAL, localCommandOf } from "./verbs/local.ts";
import { roomOf } from "./verbs/facts.ts";
import { demandDirectory } from "./verbs/landing.ts";
import { CONNECT_OPTIONS, findVerb, JSON_OPTION, specOf } from "./verbs/verb.ts";
import type { ShellState, Spot, Stage } from "./verbs/verb.ts";
import { patternOfWord, plainWord, splitWords } from "./words.ts";

const OPTIONS = { ...CONNECT_OPTIONS, ...JSON_OPTION } as const;

export const CONNECT_SPEC: Spec<typeof OPTIONS> = {
  name: "connect",
  about: "Opens a shell on a server; reads commands from stdin when that is no terminal",
  usage: "[TARGET]",
  words: [0, 1],
  options: OPTIONS,
  examples: ["ftpx connect ann@files.example.org", "ftpx connect files.example.org:9999/backup"],
};

/** @returns the exit status: of the worst command, or 0 when a person typed them */
export async function runShell(
  word: string | undefined,
  options: OptionsOf<typeof OPTIONS>,
): Promise<number> {
  const isTyped = canAsk();
  const target = await targetOf(word, isTyped);
  const countdown = new Countdown();
  const opened = await interruptible(true, (signal) =>
    openRemote(target, { options, onRetry: countdown.show, onBack: countdown.back, signal }),
  );
  try {
    const { path } = target;
    if (path !== HOME) {
      await interruptible(true, (signal) => demandDirectory({ ...opened, signal }, path));
    }
    const history = isTyped
      ? await History.open(clientDirectory(process.env))
      : History.forgetful();
    const state = { directory: path, before: {}, isOver: false, history, verbs: VERBS };
    const shell = new Shell(opened, state, countdown, options.json === true);
    return await (isTyped ? shell.converse() : shell.obey());
  } finally {
    opened.remote.close();
  }
}

/** @throws FtpxError USAGE, INTERRUPTED */
async function targetOf(word: string | undefined, isTyped: boolean): Promise<Target> {
  if (word !== undefined) return parseTarget(word);
  if (isTyped) return parseTarget(await ask("server (HOST or USER@HOST:PORT)"));
  throw new FtpxError("USAGE", { reason: "connect where to? connect [USER@]HOST[:PORT]" });
}

/** Also one with quotes that do not close. */
const GOING_ELSEWHERE = /^\s*l?cd(?:\s|$)/;

class Shell {
  readonly #opened: Opened;
  readonly #countdown: Countdown;
  readonly #completion: Completion;
  readonly #editor: LineEditor;
  readonly #state: ShellState;
  readonly #isJson: boolean;
  #freeBytes: number | undefined;

  constructor(opened: Opened, state: ShellState, countdown: Countdown, isJson: boolean) {
    this.#opened = opened;
    this.#state = state;
    this.#countdown = countdown;
    this.#isJson = isJson;
    this.#completion = new Completion(VERBS, {
      get directory() {
        return state.directory;
      },
      client: () => opened.remote.client(),
      local: localPath,
    });
    const { history } = state;
    const prompt = () => this.#prompt();
    this.#editor = new LineEditor({ history, completion: this.#completion, prompt });
  }

  /** With a person, until they leave or are sent away, which they hear at once. */
  async converse(): Promise<number> {
    const { remote } = this.#opened;
    let status = 0;
    void remote.sentAway.then(() => this.#editor.leave());
    while (!this.#state.isOver) {
      void this.#refreshRoom();
      const line = await this.#editor.read();
      if (line === undefined) break;
      await this.#state.history.add(line);
      status = await this.#run(line);
    }
    if (endingStatus() !== undefined || !remote.isSentAway) return endingStatus() ?? 0;
    return this.#tellLost(remote.lost, status);
  }

  /**
   * With a script on stdin, to its end whatever fails, but not behind a `cd` that did: what
   * follows is meant for another directory. Ctrl-C ends all of it, and a kick.
   */
  async obey(): Promise<number> {
    const { remote } = this.#opened;
    const statuses: number[] = [];
    const input = readline.createInterface({ input: process.stdin, terminal: false });
    const lines = input[Symbol.asyncIterator]();
    const sentAway = remote.sentAway.then(() => undefined);
    while (!this.#state.isOver && statuses.at(-1) !== ERRORS.INTERRUPTED.exit) {
      const line = await Promise.race([sentAway, lines.next()]);
      if (line === undefined || line.done === true) break;
      const status = await this.#run(line.value);
      statuses.push(status);
      if (status === 0 || !GOING_ELSEWHERE.test(line.value)) continue;
      writeNote("ftpx: what follows is meant for another directory, and is not done");
      break;
    }
    input.close();
    // Nobody asked for anything since, so nobody was told; what was to come is not done.
    const { lost } = remote;
    if (lost !== undefined && endingStatus() === undefined) {
      statuses.push(this.#tellLost(lost, statuses.at(-1)));
    }
    return worstStatus(statuses);
  }

  /** @param told the status of the last command, which may have told it */
  #tellLost(lost: FtpxError | undefined, told = 0): number {
    const status = exitStatusOf(lost);
    beginTelling(this.#isJson);
    if (told !== status) showError(lost);
    return status;
  }

  /** Runs one line. Whatever fails is told here and ends nothing but the line. */
  async #run(line: string): Promise<number> {
    beginTelling(this.#isJson);
    try {
      const command = localCommandOf(line);
      const [name, ...given] = command === undefined ? splitWords(line) : [LOCAL.name];
      beginTelling(this.#isJson || wantsJson(given));
      if (name === undefined) return 0;
      if (command === undefined) demandNoPipe(line, given);
      const row = findVerb(VERBS, plainWord(name));
      const spec = specOf(row, "shell");
      if (spec === undefined) throw new Error(`${name} is not for the shell`);
      // Another shell reads what stands behind a `!`.
      const { words, options } =
        command === undefined ? parseWords(spec, given) : { words: [command], options: {} };
      const isJson = this.#isJson || options["json"] === true;
      return await interruptible(false, (signal) =>
        row.run(this.#stage(signal, isJson), words, options),
      );
    } catch (error) {
      if (error instanceof HelpWanted) {
        writeLine(error.text.trimEnd());
        return 0;
      }
      showError(error);
      return exitStatusOf(error);
    } finally {
      // Who comes back after that does so by another command.
      this.#state.isOver ||= this.#opened.remote.isSentAway || endingStatus() !== undefined;
      this.#countdown.stop();
      this.#completion.forget();
    }
  }

  #stage(signal: AbortSignal, isJson: boolean): Stage {
    return {
      ...this.#opened,
      signal,
      isJson,
      spot: (word) => this.#spot(word),
      isRemote: () => false,
      local: localPath,
      remotePattern: patternOfWord,
      localPattern: patternOfWord,
      shell: this.#state,
    };
  }

  #spot(word: string): Spot {
    const shown = plainWord(word);
    const path = namedPath(shown, this.#state.directory);
    return { path, isDirectory: shown.endsWith("/"), shown };
  }

  #prompt(): string {
    const { user, server } = this.#opened;
    const { directory } = this.#state;
    const { bold } = coloursOf(process.stderr);
    const facts = { user, server, directory, freeBytes: this.#freeBytes };
    return promptText(facts, columnsOf(process.stderr), bold);
  }

  /** Comes when it comes: nobody waits for a number in the prompt, or hears that there is none. */
  async #refreshRoom(): Promise<void> {
    const asked = this.#opened.remote.client().then((client) => client.call("quota", {}));
    const quota = await asked.catch(() => undefined);
    const before = this.#prompt();
    this.#freeBytes = quota === undefined ? undefined : roomOf(quota).freeBytes;
    if (this.#prompt() !== before) this.#editor.renewPrompt();
  }
}

/**
 * Only what nothing quotes: a name may be called like that.
 *
 * @throws FtpxError USAGE
 */
function demandNoPipe(line: string, words: readonly string[]): void {
  const isMeant = words.some((word) => /^(?:\||&&|>)/.test(word)) && /\s(?:\||&&|>)/.test(line);
  if (!isMeant) return;
  const reason = "no pipes and redirections here: ! runs a command of this machine (quote a name)";
  throw new FtpxError("USAGE", { reason });
}

/** As a person's own shell would have read it: `~` is their home. */
function localPath(marked: string): string {
  const word = plainWord(marked);
  return word === "~" || word.startsWith("~/") ? join(homedir(), word.slice(1)) : word;
}
