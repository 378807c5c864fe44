/**
 * A line that is typed without being shown, character by character, as a terminal in raw
 * mode gives them: what is kept, what is taken back, and when it ends. Pure: the terminal
 * itself is hidden.ts's.
 *
 * Backspace takes one character back, Ctrl-U and Ctrl-W all of them: nobody sees where a
 * word begins. Enter ends the line; Ctrl-C gives up; Ctrl-D on an empty line leaves it, and so
 * does Escape, which only time tells from the beginning of a key's sequence. Such keys do
 * nothing, and no control character gets in.
 */
export type Ending = "line" | "left" | "given up";

const ESCAPE = "\u001b";
const ENDING_KEYS = "\r\n\u0003\u0004";
/** What a terminal sends behind the escape: `[` parameters letter, `O` letter, or one character. */
const SEQUENCE = /^(?:\[[0-?]*[ -/]*[@-~]|O.|[^[O])$/su;

export class HiddenLine {
  #characters: string[] = [];
  /** What came behind an escape, until the sequence is whole. */
  #sequence: string | undefined;

  get text(): string {
    return this.#characters.join("");
  }

  /** Whether an escape came and nothing behind it: it was the key, if nothing comes for long. */
  get isEscaped(): boolean {
    return this.#sequence === "";
  }

  /**
   * Takes characters until one of them ends the line.
   *
   * @returns how it ended and what was not looked at, or nothing when more must come
   */
  take(typed: string): { readonly ending: Ending; readonly rest: string } | undefined {
    const characters = Array.from(typed);
    for (const [index, character] of characters.entries()) {
      const ending = this.#takeOne(character);
      if (ending !== undefined) return { ending, rest: characters.slice(index + 1).join("") };
    }
    return undefined;
  }

  /** Nothing of it is kept. */
  forget(): void {
    this.#characters = [];
  }

  #takeOne(character: string): Ending | undefined {
    // Whoever presses Escape and then an ending key is not kept waiting.
    if (this.#sequence !== undefined && !ENDING_KEYS.includes(character)) {
      this.#sequence += character;
      if (SEQUENCE.test(this.#sequence)) this.#sequence = undefined;
      return undefined;
    }
    this.#sequence = character === ESCAPE ? "" : undefined;
    switch (character) {
      case "\r":
      case "\n":
        return "line";
      case "\u0003":
        return "given up";
      case "\u0004":
        return this.#characters.length === 0 ? "left" : undefined;
      case "\b":
      case "\u007f":
        this.#characters.pop();
        return undefined;
      case "\u0015":
      case "\u0017":
        this.#characters = [];
        return undefined;
      default:
        if (!/\p{Cc}/u.test(character)) this.#characters.push(character);
        return undefined;
    }
  }
}
