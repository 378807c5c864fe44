/**
 * Ctrl-R: the latest line of the history that holds what is typed, and with each further
 * Ctrl-R an older one. Typing and Backspace change what is looked for; Ctrl-G and Escape give
 * the line back as it was; Enter and whatever else edits take the found one. Pure: keys and
 * lines are editor.ts's.
 */
export interface Pressed {
  readonly name?: string | undefined;
  readonly ctrl?: boolean | undefined;
  readonly meta?: boolean | undefined;
}

export class HistorySearch {
  readonly #lines: readonly string[];
  readonly #before: string;
  /** Where the found line stands; everything behind it was passed over. */
  #index: number;
  needle: string;
  found: string;

  /** @param lines the oldest first; @param typed what stands in the line */
  constructor(lines: readonly string[], typed: string) {
    this.#lines = lines;
    this.#before = typed;
    this.#index = lines.length;
    this.needle = typed;
    this.found = typed;
    if (typed !== "") this.#look(lines.length - 1);
  }

  /** @returns whether the search goes on */
  press(text: string | undefined, { name, ctrl, meta }: Pressed): boolean {
    if (ctrl === true && name === "r") {
      this.#look(this.#index - 1);
      return true;
    }
    if (name === "escape" || (ctrl === true && name === "g")) {
      this.found = this.#before;
      return false;
    }
    if (name === "backspace") this.needle = Array.from(this.needle).slice(0, -1).join("");
    else if (isTyped(text) && ctrl !== true && meta !== true) this.needle += text;
    else return false;
    this.#look(this.#lines.length - 1);
    return true;
  }

  /** What is not found leaves the line as it is. */
  #look(from: number): void {
    const index =
      from < 0
        ? -1
        : this.#lines.findLastIndex((line, at) => at <= from && line.includes(this.needle));
    if (index < 0) return;
    this.#index = index;
    this.found = this.#lines[index] ?? "";
  }
}

function isTyped(text: string | undefined): text is string {
  return text !== undefined && text !== "" && !/\p{Cc}/u.test(text);
}
