/**
 * Lines of the shell as a person types them: readline with the history, Tab and Ctrl-R, what
 * was typed ahead, and a prompt that may change meanwhile.
 *
 * Each line has a readline Interface of its own, which is closed before anybody hears of the
 * line. So the terminal belongs to whatever runs between two lines, and a password typed into a
 * question cannot reach readline or the history.
 */
import readline from "node:readline";
import type { Completion, Offer } from "./completion.ts";
import type { History } from "./history.ts";
import { HistorySearch } from "./search.ts";
import type { Pressed } from "./search.ts";
import { visible, writeNote } from "./terminal.ts";

interface EditorSettings {
  readonly history: History;
  readonly completion: Completion;
  /** As it is now. */
  readonly prompt: () => string;
}

/** Readline waits for it: with two parameters a completer is one that answers later. */
type Answer = (error: null, offer: Offer) => void;

export class LineEditor {
  readonly #settings: EditorSettings;
  /** Typed while a command ran: whole lines, and the beginning of one. */
  readonly #ahead = { lines: new Array<string>(), rest: "" };
  /** While somebody types. */
  #open: readline.Interface | undefined;

  constructor(settings: EditorSettings) {
    this.#settings = settings;
  }

  /** Shows the prompt as it is now to whoever types. */
  renewPrompt(): void {
    this.#open?.setPrompt(this.#settings.prompt());
    this.#open?.prompt(true);
  }

  /** One line. Nothing at Ctrl-D. */
  read(): Promise<string | undefined> {
    const typed = this.#ahead.lines.shift();
    if (typed !== undefined) {
      writeNote(`${this.#settings.prompt()}${visible(typed)}`);
      return Promise.resolve(typed);
    }
    return new Promise((resolve) => {
      const editor = readline.createInterface({
        input: process.stdin,
        output: process.stderr,
        terminal: true,
        prompt: this.#settings.prompt(),
        history: this.#settings.history.lines.toReversed(),
        historySize: Infinity,
        completer: (line: string, answer: Answer) => void this.#complete(line, answer),
      });
      this.#open = editor;
      const end = (line: string | undefined): void => {
        this.#open = undefined;
        process.stdin.off("keypress", search);
        resolve(line);
      };
      const search = this.#searching(editor);
      process.stdin.on("keypress", search);
      editor.on("SIGINT", () => clearLine(editor));
      // After Ctrl-Z and fg readline has paused its input and leaves the rest to its owner.
      editor.on("SIGCONT", () => editor.prompt(true));
      let first: string | undefined;
      editor.on("line", (line) => {
        if (first !== undefined) {
          this.#ahead.lines.push(line);
          return;
        }
        first = line;
        // What was read together with this line is the editor's until then, and lost if it closed.
        setImmediate(() => {
          this.#ahead.rest = editor.line;
          end(line);
          editor.close();
        });
      });
      editor.once("close", () => {
        // Ctrl-D leaves the cursor behind the prompt.
        if (this.#open === editor) writeNote("");
        end(undefined);
      });
      editor.prompt();
      const { rest } = this.#ahead;
      this.#ahead.rest = "";
      if (rest !== "") editor.write(rest);
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

  /** An answer to a line that is no longer there would be written into another one. */
  async #complete(line: string, answer: Answer): Promise<void> {
    const editor = this.#open;
    const offer = await this.#settings.completion.offer(line);
    if (editor === undefined || editor !== this.#open) return;
    const isSame = editor.line.slice(0, editor.cursor) === line;
    answer(null, isSame ? offer : [[], ""]);
  }
}

function clearLine(editor: readline.Interface): void {
  writeNote("^C");
  // What is typed is only readable in the types, and there is no call that clears it.
  Object.assign(editor, { line: "", cursor: 0 });
  editor.prompt();
}
