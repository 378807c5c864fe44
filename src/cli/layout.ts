/**
 * Text in the columns of a terminal: shortened, fitted into one line, side by side.
 *
 * Pure. Widths are columns, not characters. What comes in was made safe by `visible`.
 */

const NAME_COLUMNS_MIN = 12;
const BAR_COLUMNS_MIN = 8;
const BAR_COLUMNS_MAX = 40;

/** Between neighbours. */
const GAP = 2;

const GRAPHEMES = new Intl.Segmenter();

/** What a line of progress says. */
export interface Row {
  readonly name: string;
  /** The facts beside it, from all that is known down to nothing; each row has as many. */
  readonly variants: readonly string[];
  /** How much of the bar is full, from 0 to 1; no bar when it is not known. */
  readonly share: number | undefined;
}

/**
 * Lines of less than `columns`: names, bars where there is room, and as many facts as
 * leave the names readable. All of them show the same facts, one below the other.
 */
export function fitRows(rows: readonly Row[], columns: number): string[] {
  // The last column stays free: some terminals wrap as soon as it is written.
  const width = Math.max(1, columns - 1);
  const nameColumns = widest(rows.map(({ name }) => name));
  const count = Math.max(...rows.map(({ variants }) => variants.length));
  for (let variant = 0; variant < count; variant += 1) {
    const facts = rows.map(({ variants }) => variants[variant] ?? "");
    const room = width - widest(facts) - GAP;
    if (widest(facts) > 0 && room >= Math.min(NAME_COLUMNS_MIN, nameColumns)) {
      return rows.map((row, index) => rowLine(row, facts[index] ?? "", room, nameColumns));
    }
  }
  return rows.map(({ name }) => shorten(name, width));
}

/** @param room columns in front of the facts */
function rowLine({ name, share }: Row, facts: string, room: number, nameColumns: number): string {
  const shown = shorten(name, Math.min(room, nameColumns));
  const padded = shown + " ".repeat(Math.min(room, nameColumns) - Bun.stringWidth(shown));
  const free = room - Bun.stringWidth(padded);
  const middle = share === undefined ? "" : bar(share, free - GAP);
  return `${padded}${middle.padStart(free)}${" ".repeat(GAP)}${facts}`.trimEnd();
}

/** Cut in the middle, because names differ at their ends. */
export function shorten(text: string, columns: number): string {
  if (Bun.stringWidth(text) <= columns) return text;
  if (columns < 1) return "";
  const characters = Array.from(GRAPHEMES.segment(text), ({ segment }) => segment);
  const head = takeColumns(characters, Math.ceil((columns - 1) / 2));
  const rest = columns - 1 - Bun.stringWidth(head.join(""));
  const tail = takeColumns(characters.toReversed(), rest).toReversed();
  return `${head.join("")}…${tail.join("")}`;
}

/** A sentence and what must be read whole behind it: the sentence is cut behind a word. */
export function shortenBefore(text: string, tail: string, columns: number): string {
  const room = columns - Bun.stringWidth(tail);
  if (Bun.stringWidth(text) <= room) return text + tail;
  // What is left of so little says nothing.
  if (room < NAME_COLUMNS_MIN) return shorten(tail.replace(/^\W+/, ""), columns);
  const characters = Array.from(GRAPHEMES.segment(text), ({ segment }) => segment);
  const head = takeColumns(characters, room - 1)
    .join("")
    .replace(/\s\S*$/, "");
  return `${head}…${tail}`;
}

/**
 * Names side by side, down and then right, as ls shows them.
 *
 * @param paint what colours a name; it does not change its width
 */
export function sideBySide(
  names: readonly string[],
  columns: number,
  paint: (name: string, index: number) => string = (name) => name,
): string[] {
  const widths = names.map((name) => Bun.stringWidth(name));
  const cell = widest(names) + GAP;
  const perLine = Math.max(1, Math.floor((columns + GAP) / cell));
  const rows = Math.ceil(names.length / perLine);
  return Array.from({ length: rows }, (_, row) => {
    let line = "";
    for (let index = row; index < names.length; index += rows) {
      const isLast = index + rows >= names.length;
      const gap = isLast ? "" : " ".repeat(cell - (widths[index] ?? 0));
      line += paint(names[index] ?? "", index) + gap;
    }
    return line;
  });
}

/** Lines of at most so many columns, but for words that are longer. */
export function breakLines(text: string, columns: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    const grown = last === undefined ? word : `${last} ${word}`;
    if (last === undefined || Bun.stringWidth(grown) > columns) lines.push(word);
    else lines[lines.length - 1] = grown;
  }
  return lines;
}

/** A table: each column as wide as its widest cell. */
export function inColumns(lines: readonly (readonly string[])[]): string[] {
  const counts = lines.map((line) => line.length);
  const widths = Array.from({ length: Math.max(0, ...counts) }, (_, column) =>
    widest(lines.map((line) => line[column] ?? "")),
  );
  const padded = (cell: string, column: number) =>
    cell + " ".repeat((widths[column] ?? 0) - Bun.stringWidth(cell) + GAP);
  return lines.map((line) => line.map(padded).join("").trimEnd());
}

function widest(texts: readonly string[]): number {
  return texts.reduce((width, text) => Math.max(width, Bun.stringWidth(text)), 0);
}

function bar(share: number, room: number): string {
  if (room < BAR_COLUMNS_MIN) return "";
  const cells = Math.min(room, BAR_COLUMNS_MAX) - 2;
  const full = Math.round(share * cells);
  return `[${"#".repeat(full)}${"-".repeat(cells - full)}]`;
}

function takeColumns(characters: readonly string[], columns: number): string[] {
  const taken: string[] = [];
  let width = 0;
  for (const character of characters) {
    width += Bun.stringWidth(character);
    if (width > columns) break;
    taken.push(character);
  }
  return taken;
}
