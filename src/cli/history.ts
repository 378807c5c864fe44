/**
 * The lines that were typed into the shell, over sessions: FTPX_HOME/history, for the
 * user's eyes only, bounded.
 *
 * Only lines of the shell come here. Answers to questions, passwords among them, never
 * pass through it. A history that cannot be kept is no reason not to run commands, so
 * failures to write are not told.
 */
import { appendFile, chmod, mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { encodeText } from "../base/bytes.ts";
import { replaceFile } from "../base/replacement.ts";

/** Enough for months of work; read whole at every start. */
const LINES_MAX = 2000;

export class History {
  readonly #file: string | undefined;
  readonly #lines: string[];

  private constructor(file: string | undefined, lines: string[]) {
    this.#file = file;
    this.#lines = lines;
  }

  /** One that is not kept, for lines that nobody types. */
  static forgetful(): History {
    return new History(undefined, []);
  }

  static async open(directory: string): Promise<History> {
    const file = join(directory, "history");
    const text = await readFile(file, "utf8").catch(() => "");
    const lines = text.split("\n").filter((line) => line !== "");
    const history = new History(file, lines.slice(-LINES_MAX));
    if (lines.length > LINES_MAX) await history.#rewrite();
    else await chmod(file, 0o600).catch(() => {});
    return history;
  }

  /** From the oldest to the latest. */
  get lines(): readonly string[] {
    return this.#lines;
  }

  /** A line that repeats the latest one is not kept twice. */
  async add(line: string): Promise<void> {
    if (line.trim() === "" || line === this.#lines.at(-1)) return;
    this.#lines.push(line);
    if (this.#lines.length > LINES_MAX) this.#lines.shift();
    if (this.#file === undefined) return;
    const file = this.#file;
    await mkdir(join(file, ".."), { recursive: true, mode: 0o700 })
      .then(() => appendFile(file, `${line}\n`, { mode: 0o600 }))
      .catch(() => {});
  }

  async #rewrite(): Promise<void> {
    if (this.#file === undefined) return;
    const text = this.#lines.map((line) => `${line}\n`).join("");
    await replaceFile(this.#file, encodeText(text)).catch(() => {});
  }
}
