/**
 * Finds where the statements of a TOML text stand: headers and assignments, with the
 * places of their values. It gives no values and judges nothing: the text has been
 * parsed by smol-toml before (parsing.ts), and what is made with these places is
 * parsed again.
 *
 * Strings of all four kinds, comments, lists and inline tables over several lines, and
 * keys in quotes are known, because `[users.ann]` may also stand inside a string.
 * Places count UTF-16 units, as indexes of a string do.
 */
import { FtpxError } from "../base/errors.ts";

export interface Statement {
  /** "tables" is an element of an array of tables, `[[a.b]]`. */
  readonly kind: "table" | "tables" | "value";
  /** From the root of the document: of a value, with the table's path in front. */
  readonly path: readonly string[];
  /** How many names of the path were given by the header above. */
  readonly tableDepth: number;
  /** Where its line begins, and where it begins itself, behind blanks. */
  readonly lineStart: number;
  readonly start: number;
  /** Where the value begins and ends, without the comment behind it; of a header, itself. */
  readonly valueStart: number;
  readonly valueEnd: number;
  /** Behind the line's end. */
  readonly end: number;
}

const BLANK = /[ \t]*/y;
const LINE_REST = /[ \t]*(?:#[^\n]*)?(?:\r?\n|$)/y;
const COMMENT = /#[^\n]*/y;
const BARE_KEY = /[A-Za-z0-9_-]+/y;
const VALUE_PIECE = /[^"'#[\]{}\r\n]+/y;

const ESCAPE = /\\(?:x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|(.))/g;
const ESCAPED = new Map([
  ["b", "\b"],
  ["t", "\t"],
  ["n", "\n"],
  ["f", "\f"],
  ["r", "\r"],
  ["e", "\u001b"],
]);

/** All statements in their order. @throws FtpxError BAD_CONFIG when it cannot find its way */
export function scan(text: string): Statement[] {
  return new Scanner(text).statements();
}

class Scanner {
  readonly #text: string;
  #at: number;
  #lineStart = 0;

  constructor(text: string) {
    this.#text = text;
    this.#at = text.startsWith("\uFEFF") ? 1 : 0;
  }

  statements(): Statement[] {
    const found: Statement[] = [];
    let table: readonly string[] = [];
    this.#nextStatement();
    while (this.#at < this.#text.length) {
      const statement = this.#text[this.#at] === "[" ? this.#header() : this.#assignment(table);
      if (statement.kind !== "value") table = statement.path;
      found.push(statement);
      this.#nextStatement();
    }
    return found;
  }

  /** Goes over blank lines, comment lines and the indentation behind them. */
  #nextStatement(): void {
    while (this.#at < this.#text.length && this.#take(LINE_REST) !== undefined);
    this.#lineStart = this.#at;
    this.#skip(BLANK);
  }

  #header(): Statement {
    const [lineStart, start] = [this.#lineStart, this.#at];
    const kind = this.#text.startsWith("[[", start) ? "tables" : "table";
    const brackets = kind === "tables" ? 2 : 1;
    this.#at += brackets;
    const path = this.#keyPath();
    if (!this.#text.startsWith("]".repeat(brackets), this.#at)) this.#giveUp();
    this.#at += brackets;
    const valueEnd = this.#at;
    const end = this.#lineEnd();
    const tableDepth = path.length;
    return { kind, path, tableDepth, lineStart, start, valueStart: start, valueEnd, end };
  }

  #assignment(table: readonly string[]): Statement {
    const [lineStart, start] = [this.#lineStart, this.#at];
    const path = [...table, ...this.#keyPath()];
    if (this.#text[this.#at] !== "=") this.#giveUp();
    this.#at += 1;
    this.#skip(BLANK);
    const valueStart = this.#at;
    const valueEnd = this.#valueEnd();
    const end = this.#lineEnd();
    const tableDepth = table.length;
    return { kind: "value", path, tableDepth, lineStart, start, valueStart, valueEnd, end };
  }

  /** Names with dots between them, and the blanks around each. */
  #keyPath(): string[] {
    const path: string[] = [];
    do {
      if (path.length > 0) this.#at += 1;
      this.#skip(BLANK);
      path.push(this.#key());
      this.#skip(BLANK);
    } while (this.#text[this.#at] === ".");
    return path;
  }

  #key(): string {
    const start = this.#at;
    const quote = this.#text[start];
    if (quote !== '"' && quote !== "'") return this.#take(BARE_KEY) ?? this.#giveUp();
    this.#skipString();
    const inner = this.#text.slice(start + 1, this.#at - 1);
    return quote === '"' ? unescapeText(inner) : inner;
  }

  /** Goes over a value; lists and inline tables may go on over line ends. */
  #valueEnd(): number {
    const start = this.#at;
    let depth = 0;
    while (this.#at < this.#text.length) {
      const character = this.#text[this.#at] ?? "";
      if (depth === 0 && "\r\n#".includes(character)) break;
      if (character === '"' || character === "'") this.#skipString();
      else if (character === "#") this.#skip(COMMENT);
      else if ("[]{}\r\n".includes(character)) {
        if ("[{".includes(character)) depth += 1;
        if ("]}".includes(character)) depth -= 1;
        this.#at += 1;
      } else this.#skip(VALUE_PIECE);
    }
    const value = this.#text.slice(start, this.#at).trimEnd();
    if (value === "" || depth !== 0) this.#giveUp();
    this.#at = start + value.length;
    return this.#at;
  }

  /** Character by character: a RegExp would need a stack as deep as the string is long. */
  #skipString(): void {
    const quote = this.#text[this.#at] ?? "";
    const isMultiline = this.#text.startsWith(quote.repeat(3), this.#at);
    const closing = isMultiline ? quote.repeat(3) : quote;
    this.#at += closing.length;
    while (!this.#text.startsWith(closing, this.#at)) {
      if (this.#at >= this.#text.length) this.#giveUp();
      this.#at += quote === '"' && this.#text[this.#at] === "\\" ? 2 : 1;
    }
    this.#at += closing.length;
    // One or two quotes before the closing three belong to the text.
    const further = isMultiline ? 2 : 0;
    for (let count = 0; count < further && this.#text[this.#at] === quote; count += 1) {
      this.#at += 1;
    }
  }

  #lineEnd(): number {
    this.#skip(LINE_REST);
    return this.#at;
  }

  #skip(what: RegExp): void {
    if (this.#take(what) === undefined) this.#giveUp();
  }

  #take(what: RegExp): string | undefined {
    what.lastIndex = this.#at;
    const match = what.exec(this.#text)?.[0];
    this.#at += match?.length ?? 0;
    return match;
  }

  #giveUp(): never {
    const { line } = placeOf(this.#text, this.#at);
    throw new FtpxError("BAD_CONFIG", { reason: `cannot make out line ${line}; edit it by hand` });
  }
}

/** Line and column of an index, both from 1. */
export function placeOf(text: string, index: number): { line: number; column: number } {
  let line = 1;
  let lineStart = 0;
  for (;;) {
    const next = text.indexOf("\n", lineStart) + 1;
    if (next === 0 || next > index) return { line, column: index - lineStart + 1 };
    line += 1;
    lineStart = next;
  }
}

/** What stands between the quotes of a basic string, as what it means. */
export function unescapeText(text: string): string {
  return text.replaceAll(ESCAPE, (_all, x?: string, u?: string, long?: string, single?: string) => {
    if (single !== undefined) return ESCAPED.get(single) ?? single;
    return String.fromCodePoint(Number.parseInt(x ?? u ?? long ?? "0", 16));
  });
}
