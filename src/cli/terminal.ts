/**
 * The terminal: all output (only user of picocolors). Questions are questions.ts, and hidden.ts
 * where the answer is not shown; what a failure is in words is trouble.ts.
 *
 * stdout carries data only; notes, progress, questions and errors go to stderr. What comes from
 * others is made harmless before it is written here: escaping.ts.
 *
 * Live lines stay at the bottom of a terminal: other output takes them away, is written
 * in their place, and they are painted again below it. What they say is progress.ts's.
 */
import picocolors from "picocolors";
import { nameBytes } from "../base/path.ts";
import { hideTyped, showTyped } from "./echo.ts";
import { formatJson, visible } from "./escaping.ts";

/** Where a terminal tells no width, as one behind a bare pseudo-terminal does. */
const COLUMNS_DEFAULT = 80;
const ROWS_DEFAULT = 24;

/** One line of data. */
export function writeLine(text: string): void {
  write(process.stdout, `${text}\n`);
}

/**
 * A line of data with a name in it that another program goes by, such as `md5sum -c`: exact to
 * the byte where that reads it, and made visible on a terminal.
 */
export function writeName(text: string): void {
  if (process.stdout.isTTY) writeLine(visible(text));
  else write(process.stdout, nameBytes(`${text}\n`));
}

/**
 * Many lines of data at once. Waits while whoever reads them is slower than they come, so
 * that they do not pile up here.
 */
export async function writeLines(lines: readonly string[]): Promise<void> {
  if (lines.length === 0 || isOutputGone()) return;
  const { stdout } = process;
  if (write(stdout, lines.map((line) => `${line}\n`).join(""))) return;
  const drained = Promise.withResolvers<void>();
  const ends = ["drain", "close", "error"] as const;
  for (const end of ends) stdout.once(end, drained.resolve);
  await drained.promise;
  for (const end of ends) stdout.off(end, drained.resolve);
}

/** Whether nobody reads the data any more, as behind `| head -1`, or what else is written. */
export function isOutputGone(stream: NodeJS.WriteStream = process.stdout): boolean {
  return goneOutputs.has(stream);
}

/** One JSON object a line: every string exact, and yet nothing in it for a terminal to act on. */
export function writeJson(value: Readonly<Record<string, unknown>>): void {
  writeLine(formatJson(value));
}

/** One line for the person, beside the data. */
export function writeNote(text: string): void {
  write(process.stderr, `${text}\n`);
}

/** Nothing where there is no screen. */
export function clearScreen(): void {
  if (isScreen(process.stderr)) process.stderr.write("\x1b[H\x1b[2J\x1b[3J");
}

/** Colours of picocolors, which do nothing where none are wanted. */
export function coloursOf(stream: NodeJS.WriteStream) {
  return picocolors.createColors(isScreen(stream) && (process.env["NO_COLOR"] ?? "") === "");
}

/** Whether somebody looks at it, on something that knows about cursors. */
export function isScreen(stream: NodeJS.WriteStream): boolean {
  // It is undefined where there is no terminal, and then picocolors would decide by itself.
  if (!stream.isTTY) return false;
  return process.env["TERM"] !== "dumb";
}

export function columnsOf(stream: NodeJS.WriteStream): number {
  return stream.columns > 0 ? stream.columns : COLUMNS_DEFAULT;
}

/** Those that nobody reads any more, or that cannot be written to. */
const goneOutputs = new Set<NodeJS.WriteStream>();

for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", () => goneOutputs.add(stream));
}

/** @returns whether more may be written at once */
function write(stream: NodeJS.WriteStream, text: string | Uint8Array): boolean {
  if (views.size === 0) return stream.write(text);
  process.stderr.write(takeAway());
  const mayGoOn = stream.write(text);
  repaint();
  return mayGoOn;
}

/** Lines of at most so many columns, and how many of them there is room for. */
type View = (columns: number, rows: number) => readonly string[];

const views = new Set<View>();
let painted: readonly string[] = [];

/**
 * Keeps a view's lines at the bottom of the terminal, as they are at each `repaint`.
 *
 * @returns what ends it
 */
export function showLive(view: View): () => void {
  if (views.size === 0) hideTyped();
  views.add(view);
  repaint();
  return () => {
    views.delete(view);
    repaint();
    if (views.size === 0) showTyped();
  };
}

export function repaint(): void {
  const { stderr } = process;
  const away = takeAway();
  const columns = columnsOf(stderr);
  const rows = stderr.rows > 0 ? stderr.rows : ROWS_DEFAULT;
  painted = [...views].flatMap((view) => view(columns, rows - 1)).slice(0, rows - 1);
  stderr.write(away + painted.map((line) => `${line}\n`).join(""));
}

/** What takes the painted lines away. A terminal that became narrower has wrapped them. */
function takeAway(): string {
  const columns = columnsOf(process.stderr);
  let rows = 0;
  for (const line of painted) rows += Math.max(1, Math.ceil(Bun.stringWidth(line) / columns));
  painted = [];
  return rows === 0 ? "" : `\x1b[${rows}A\r\x1b[J`;
}

/** Whether a question would reach anybody. */
export function canAsk(): boolean {
  return isScreen(process.stderr) && process.stdin.isTTY;
}
