/**
 * A line of the shell ⇄ its words.
 *
 *   a\ b   "a b"   'a b'   $'a\x20b'        four ways to write one word of three characters
 *
 * Quotes and backslashes mean what they mean in a POSIX shell; in double quotes only `\"`
 * and `\\` are escapes. `$'…'` is bash's: it writes every character, and as `\x80` to
 * `\xff` the bytes of a name that is not UTF-8, in the manner in which names are shown.
 * `*`, `?`, brackets and braces that nothing quotes make a pattern: splitWords marks them,
 * and `patternOfWord` and `plainWord` are the two ways to read a marked word.
 */
import { FtpxError } from "../base/errors.ts";
import { escapeGlob } from "../base/glob.ts";
import { nameBytes, nameText } from "../base/path.ts";

/** How a word, or its last part, is written; empty for without quotes. */
export type Quote = "" | "'" | '"' | "$'";

export interface Cursor {
  /** The words before the one that ends where the line ends. */
  readonly before: readonly string[];
  /** What is written of the last word so far, without quotes. */
  readonly text: string;
  /** Where it begins in the line. */
  readonly start: number;
  /** The quote in which the line ends, or in which the word begins. */
  readonly quote: Quote;
}

/** Stands before a character that is part of a pattern; no path holds it. */
const MARK = "\0";
const SPECIAL_UNQUOTED = new Set("*?[]{}");
// oxlint-disable-next-line no-control-regex -- the mark, before a special character
const MARKED = /\0(?=[*?[\]{}])/g;

/** A word as a pattern for base/glob.ts; nothing when nothing in it is special. */
export function patternOfWord(word: string): string | undefined {
  const [head = "", ...marked] = word.split(MARKED);
  if (marked.length === 0) return undefined;
  const rest = marked.map((part) => part.slice(0, 1) + escapeGlob(part.slice(1)));
  return escapeGlob(head) + rest.join("");
}

/** A word as it was written, pattern or not. */
export function plainWord(word: string): string {
  return word.replace(MARKED, "");
}

/** Words with marks. @throws FtpxError USAGE for a quote that does not end */
export function splitWords(line: string): string[] {
  const scanner = new Scanner(line);
  scanner.run();
  if (scanner.open !== undefined) {
    const reason =
      scanner.open === "\\" ? "nothing behind the last \\" : `no end of ${scanner.open}`;
    throw new FtpxError("USAGE", { reason });
  }
  return scanner.words.map(({ text }) => text);
}

/** The word in which a line ends, for its completion. */
export function cursorOf(line: string): Cursor {
  const scanner = new Scanner(line);
  scanner.run();
  const words = scanner.words.map(({ text }) => plainWord(text));
  const last = scanner.words.at(-1);
  if (last === undefined || !scanner.isInWord) {
    return { before: words, text: "", start: line.length, quote: "" };
  }
  const isEscaping = scanner.open === undefined || scanner.open === "\\";
  const quote = isEscaping ? firstQuote(line.slice(last.start)) : (scanner.open as Quote);
  return { before: words.slice(0, -1), text: plainWord(last.text), start: last.start, quote };
}

/** Characters that `$'…'` alone can write so that they are seen and can be typed. */
const INVISIBLE = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\u{10fe80}-\u{10feff}]/u;

/** Quotes and blanks, and what a pattern or a note may begin with one day. */
const SPECIAL = /[\s'"\\$*?[\]{}]|^[#!]/gu;

/**
 * One word as it must be written to be read as `text`.
 *
 * @param isOpen leaves a quote open: more of the word is to come
 */
export function quoteWord(text: string, quote: Quote = "", isOpen = false): string {
  if (quote === "$'" || INVISIBLE.test(text)) return `$'${escapeAll(text)}${isOpen ? "" : "'"}`;
  if (quote === "'") return `'${text.replaceAll("'", String.raw`'\''`)}${isOpen ? "" : "'"}`;
  if (quote === '"') return `"${text.replace(/["\\]/g, String.raw`\$&`)}${isOpen ? "" : '"'}`;
  if (text === "") return isOpen ? "" : "''";
  return text.replace(SPECIAL, String.raw`\$&`);
}

/** What every shell reads as it stands: no ~, which bash expands behind a = too. */
const HARMLESS = /^[\w@%+=:,./-]+$/;

/** One word as a person pastes it into a shell of the system. */
export function shellWord(text: string): string {
  return HARMLESS.test(text) ? text : quoteWord(text, "'");
}

const ESCAPES = new Map([
  ["a", "\x07"],
  ["b", "\b"],
  ["e", "\x1b"],
  ["f", "\f"],
  ["n", "\n"],
  ["r", "\r"],
  ["t", "\t"],
  ["v", "\v"],
]);

const NUMBERED = /^(?:x([0-9A-Fa-f]{1,2})|u([0-9A-Fa-f]{1,4})|U([0-9A-Fa-f]{1,8}))/;
const BYTE_BASE = 0x10fe00;
const POINT_MAX = 0x10ffff;

interface Word {
  text: string;
  readonly start: number;
}

class Scanner {
  readonly words: Word[] = [];
  /** What the line ends in the middle of. */
  open: Quote | "\\" | undefined;
  readonly #line: string;
  #at = 0;
  #lastEnd = 0;

  constructor(line: string) {
    this.#line = line;
  }

  run(): void {
    while (this.#at < this.#line.length) {
      if (isBlank(this.#here)) this.#at += 1;
      else this.#word();
    }
  }

  /** Whether the line ends in its last word: a blank there would have ended it. */
  get isInWord(): boolean {
    return this.words.length > 0 && this.#lastEnd === this.#line.length;
  }

  get #here(): string {
    return this.#line[this.#at] ?? "";
  }

  #word(): void {
    const word: Word = { text: "", start: this.#at };
    this.words.push(word);
    while (this.#at < this.#line.length && !isBlank(this.#here)) word.text += this.#part();
    this.#lastEnd = this.#at;
    // Bytes that are UTF-8 together are written as the characters they are.
    if (INVISIBLE.test(word.text)) word.text = nameText(nameBytes(word.text));
  }

  #part(): string {
    const character = this.#here;
    this.#at += 1;
    if (character === "'") return this.#quoted("'", () => undefined);
    if (character === '"') return this.#quoted('"', () => this.#escapedInDouble());
    if (character === "$" && this.#here === "'") {
      this.#at += 1;
      return this.#quoted("$'", () => this.#escapedInDollar());
    }
    if (character === "\\") return this.#escaped();
    return SPECIAL_UNQUOTED.has(character) ? MARK + character : character;
  }

  /** Up to the closing quote; `escape` reads what stands behind a backslash, if it is one. */
  #quoted(quote: Quote, escape: () => string | undefined): string {
    const end = quote.slice(-1);
    let text = "";
    while (this.#at < this.#line.length) {
      const character = this.#here;
      this.#at += 1;
      if (character === end) return text;
      text += (character === "\\" ? escape() : undefined) ?? character;
    }
    this.open = quote;
    return text;
  }

  #escaped(): string {
    const character = this.#here;
    if (character === "") this.open = "\\";
    else this.#at += 1;
    return character;
  }

  #escapedInDouble(): string | undefined {
    if (this.#here !== '"' && this.#here !== "\\") return undefined;
    return this.#escaped();
  }

  #escapedInDollar(): string | undefined {
    const rest = this.#line.slice(this.#at, this.#at + 9);
    const [all = "", byte, ...points] = NUMBERED.exec(rest) ?? [];
    const point = Number.parseInt(byte ?? points.find((digits) => digits !== undefined) ?? "", 16);
    if (all === "" || point > POINT_MAX) {
      const character = this.#here;
      this.#at += 1;
      return ESCAPES.get(character) ?? character;
    }
    this.#at += all.length;
    const isByte = byte !== undefined && point >= 0x80;
    return String.fromCodePoint(isByte ? BYTE_BASE + point : point);
  }
}

function isBlank(character: string): boolean {
  return character === " " || character === "\t";
}

function firstQuote(written: string): Quote {
  if (written.startsWith("$'")) return "$'";
  const [first] = written;
  return first === "'" || first === '"' ? first : "";
}

function escapeAll(text: string): string {
  let written = "";
  for (const character of text) {
    const point = character.codePointAt(0) ?? 0;
    if (character === "'" || character === "\\") written += `\\${character}`;
    else if (!INVISIBLE.test(character)) written += character;
    else if (point > 0xffff) written += `\\x${(nameBytes(character)[0] ?? 0).toString(16)}`;
    else if (point < 0x80) written += `\\x${point.toString(16).padStart(2, "0")}`;
    else written += `\\u${point.toString(16).padStart(4, "0")}`;
  }
  return written;
}
