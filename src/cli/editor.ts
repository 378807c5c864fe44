/**
 * Lines of the shell as a person types them: readline with the history, Tab and Ctrl-R, what
 * was typed ahead, and a prompt that may change meanwhile. How keys wait is dealing.ts's.
 *
 * Each line has a readline Interface of its own, which is closed before anybody hears of the
 * line. So the terminal belongs to whatever runs between two lines, and a password typed into a
 * question cannot reach readline or the history.
 */
import readline from "node:readline";
import type { Completion, Offer } from "./completion.ts";
import { DealtInput } from "./dealing.ts";
import { visible } from "./escaping.ts";
import type { History } from "./history.ts";
import { HistorySearch } from "./search.ts";
import type { Pressed } from "./search.ts";
import { writeNote } from "./terminal.ts";

interface EditorSettings {
  readonly history: History;
  readonly completion: Completion;
  /** As it is now. */
  readonly prompt: () => string;
}

/** Longer than what is asked of a server; a directory of this machine may hang as well. */
const COMPLETION_MS_MAX = 1500;

const NO_OFFER: Offer = [[], ""];

/** Readline waits for it: with two parameters a completer is one that answers later. */
type Answer = (error: null, offer: Offer) => void;

export class LineEditor {
  readonly #settings: EditorSettings;
  /** Typed while a command ran, or together with the line before. */
  #ahead: Uint8Array = new Uint8Array();
  /** While somebody types. */
  #open: readline.Interface | undefined;
  #input: DealtInput | undefined;

  constructor(settings: EditorSettings) {
    this.#settings = settings;
  }

  /** Shows the prompt as it is now to whoever types. */
  renewPrompt(): void {
    this.#open?.setPrompt(this.#settings.prompt());
    this.#open?.prompt(true);
  }

  /** Ends the line that is being typed, as Ctrl-D does. */
  leave(): void {
    this.#open?.close();
  }

  /** One line. Nothing at Ctrl-D. */
  read(): Promise<string | undefined> {
    return new Promise((resolve) => {
      const input = new DealtInput(process.stdin, this.#ahead);
      const editor = readline.createInterface({
        input,
        output: process.stderr,
        terminal: true,
        prompt: this.#settings.prompt(),
        history: this.#settings.history.lines.toReversed(),
        historySize: Infinity,
        completer: (line: string, answer: Answer) => void this.#complete(line, answer),
      });
      this.#open = editor;
      this.#input = input;
      const end = (line: string | undefined): void => {
        if (this.#open !== editor) return;
        this.#open = undefined;
        this.#ahead = input.giveUp();
        // Ctrl-D leaves the cursor behind the prompt.
        if (line === undefined) writeNote("");
        else editor.close();
        resolve(line);
      };
      input.on("keypress", this.#searching(editor));
      editor.on("SIGINT", () => clearLine(editor));
      // After Ctrl-Z and fg readline has paused its input and leaves the rest to its owner.
      editor.on("SIGCONT", () => editor.prompt(true));
      // What follows the line's end in its piece is nothing.
      editor.on("line", end);
      editor.once("close", () => end(undefined));
      editor.prompt();
      input.begin();
    });
  }

  /** Behind readline's own hearing of keys: it has done with the line what it does. */
  #searching(editor: readline.Interface): (text: string | undefined, key: Pressed) => void {
    let search: HistorySearch | undefined;
    return (text, key) => {
      const isEnter = key.name === "return" || key.name === "enter";
      const isBegun = search === undefined && key.ctrl === true && key.name === "r";
      if (isBegun) search = new HistorySearch(this.#settings.history.lines, editor.line);
      if (search === undefined) return;
      const goesOn = isBegun || (!isEnter && search.press(text, key));
      const isGivenBack = key.name === "escape" || key.name === "g";
      const { found, needle } = search;
      if (!goesOn) search = undefined;
      if (isEnter) return;
      if (goesOn || isGivenBack) Object.assign(editor, { line: found, cursor: found.length });
      editor.setPrompt(goesOn ? `(search) ${visible(needle)}: ` : this.#settings.prompt());
      editor.prompt(true);
    };
  }

  /**
   * Keys wait meanwhile, but not for long. An answer to a line that is no longer there would be
   * written into another one.
   */
  async #complete(line: string, answer: Answer): Promise<void> {
    const editor = this.#open;
    const goOn = this.#input?.hold();
    const offer = await this.#offerInTime(line);
    if (editor === undefined || editor !== this.#open) return;
    const isSame = editor.line.slice(0, editor.cursor) === line;
    try {
      answer(null, isSame ? offer : NO_OFFER);
    } finally {
      goOn?.();
    }
  }

  async #offerInTime(line: string): Promise<Offer> {
    const { promise: late, resolve } = Promise.withResolvers<Offer>();
    const timer = setTimeout(() => resolve(NO_OFFER), COMPLETION_MS_MAX);
    try {
      return await Promise.race([this.#settings.completion.offer(line), late]);
    } catch {
      return NO_OFFER;
    } finally {
      clearTimeout(timer);
    }
  }
}

function clearLine(editor: readline.Interface): void {
  writeNote("^C");
  // What is typed is only readable in the types, and there is no call that clears it.
  Object.assign(editor, { line: "", cursor: 0 });
  editor.prompt();
}
