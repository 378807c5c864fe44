/**
 * The terminal: all output, and what a failure is in words (only user of picocolors). Questions
 * are questions.ts, and hidden.ts where the answer is not shown; exit statuses are status.ts.
 *
 * stdout carries data only; notes, progress, questions and errors go to stderr. What
 * comes from a name, a peer or an error passes `visible` before it is shown, so nobody
 * else can move the cursor or name the window; `writeJson` keeps it exact.
 *
 * Live lines stay at the bottom of a terminal: other output takes them away, is written
 * in their place, and they are painted again below it. What they say is progress.ts's.
 */
import picocolors from "picocolors";
import { DETAILS, FtpxError } from "../base/errors.ts";
import type { DetailName, Details } from "../base/errors.ts";
import { hideTyped, showTyped } from "./echo.ts";
import { nameBytes } from "../base/path.ts";
import { formatDuration, formatSize } from "../base/units.ts";
import { endingSignal, exitStatusOf, worstStatus } from "./status.ts";

/** Where a terminal tells no width, as one behind a bare pseudo-terminal does. */
const COLUMNS_DEFAULT = 80;
const ROWS_DEFAULT = 24;

/** C0, DEL, C1, direction marks and overrides, line separators, half characters, escaped bytes. */
const UNSAFE = /[\p{Cc}\p{Cs}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\u{10fe80}-\u{10feff}]/gu;

/** What JSON leaves as it is although a terminal does not. */
const UNSAFE_IN_JSON = /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/** Text of others as it may be shown: `\x1b` for what a terminal would act on. */
export function visible(text: string): string {
  return text.replace(UNSAFE, escapeCharacter);
}

/**
 * The same, and no two names look alike: a backslash is written twice. Between `$'` and `'` the
 * shells, ours too, read it back.
 */
export function unmistakable(name: string): string {
  return visible(name.replaceAll("\\", "\\\\"));
}

function escapeCharacter(character: string): string {
  const point = character.codePointAt(0) ?? 0;
  if (point < 0x80) return `\\x${hex(point, 2)}`;
  if (point <= 0xffff) return `\\u${hex(point, 4)}`;
  return `\\x${hex(nameBytes(character)[0] ?? 0, 2)}`;
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, "0");
}

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

/** Whether nobody reads the data any more, as behind `| head -1`. */
export function isOutputGone(): boolean {
  return goneOutputs.has(process.stdout);
}

/** One JSON object a line: every string exact, and yet nothing in it for a terminal to act on. */
export function writeJson(value: Readonly<Record<string, unknown>>): void {
  writeLine(formatJson(value));
}

export function formatJson(value: Readonly<Record<string, unknown>>): string {
  return JSON.stringify(value).replace(
    UNSAFE_IN_JSON,
    (character) => `\\u${hex(character.charCodeAt(0), 4)}`,
  );
}

/** One line for the person, beside the data. */
export function writeNote(text: string): void {
  write(process.stderr, `${text}\n`);
}

/** Nothing where there is no screen. */
export function clearScreen(): void {
  if (isScreen(process.stderr)) process.stderr.write("\x1b[H\x1b[2J\x1b[3J");
}

let isTellingJson = false;
const toldHints = new Set<string>();

/**
 * A command begins: whether what goes wrong is told on stdout too, as `--json` wants it. On
 * stderr the same hint is given once until the next call, however many files it is good for.
 */
export function beginTelling(isJson: boolean): void {
  isTellingJson = isJson;
  toldHints.clear();
}

/** Says on stderr what went wrong and what can be done; `hint` is what only the caller knows. */
export function showError(error: unknown, hint?: string): void {
  if (isTellingJson) writeJson(failureFacts(error, hint));
  const isDebug = isSet("FTPX_DEBUG");
  const { red, dim } = coloursOf(process.stderr);
  const [first = "", ...more] = describe(error, isDebug);
  const [, name = "", rest = ""] = /^(ftpx:)(.*)$/su.exec(first) ?? [];
  if (hint !== undefined) more.push(`hint: ${hint}`);
  const untold = more.filter((line) => !toldHints.has(line));
  for (const line of untold) if (line.startsWith("hint: ")) toldHints.add(line);
  writeNote([red(name) + rest, ...untold.map((line) => dim(line))].join("\n"));
}

/** Colours of picocolors, which do nothing where none are wanted. */
export function coloursOf(stream: NodeJS.WriteStream) {
  return picocolors.createColors(isScreen(stream) && !isSet("NO_COLOR"));
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

let hasOutputFailed = false;
const goneOutputs = new Set<NodeJS.WriteStream>();

for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (error) => outputFailed(stream, error));
}

/** Whoever read the output has gone: the rest is for nobody. Anything else is a failure. */
function outputFailed(stream: NodeJS.WriteStream, { code }: NodeJS.ErrnoException): void {
  goneOutputs.add(stream);
  if (code === "EPIPE" || hasOutputFailed) return;
  hasOutputFailed = true;
  const failure = new FtpxError("LOCAL_IO", { path: "standard output", reason: code ?? "" });
  showError(failure);
  process.once("exit", (status) => (process.exitCode = worstStatus([status, failure.row.exit])));
}

/** @returns whether more may be written at once */
function write(stream: NodeJS.WriteStream, text: string | Uint8Array): boolean {
  if (views.size === 0) return stream.write(text);
  process.stderr.write(takeAway());
  const mayGoOn = stream.write(text);
  repaint();
  return mayGoOn;
}

function isSet(variable: string): boolean {
  return (process.env[variable] ?? "") !== "";
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

/**
 * What went wrong, as lines for stderr: `ftpx: PATH: text`, then hints. An error that
 * is not ours is a defect; its stack is told only when wanted.
 */
export function describe(error: unknown, isDebug = false): string[] {
  if (!(error instanceof FtpxError)) return describeDefect(error, isDebug);
  const { row } = error;
  const signal = error.kind === "INTERRUPTED" ? endingSignal() : undefined;
  const details = signal === undefined ? error.details : { ...error.details, reason: signal };
  const path = details.path ?? "";
  const place = path === "" ? "" : `${visible(path)}: `;
  const lines = [`ftpx: ${place}${fill(row.text, details) ?? error.kind}`];
  const hint = error.hint ?? (row.hint === undefined ? undefined : fill(row.hint, details));
  if (hint !== undefined) lines.push(`hint: ${hint}`);
  const { retryAfterMs } = details;
  if (retryAfterMs !== undefined) lines.push(`hint: try again in ${formatDuration(retryAfterMs)}`);
  if (isDebug) lines.push(...stackOf(error));
  return lines;
}

/** The same for a script: names exact, numbers as they are in `details`. */
export function failureFacts(error: unknown, hint?: string): Readonly<Record<string, unknown>> {
  const failure = error instanceof FtpxError ? error : new FtpxError("INTERNAL");
  const { path, ...details } = failure.details;
  const [first = "", ...more] = describe(withoutPath(error));
  const hints = more.map((line) => line.replace(/^hint: /, ""));
  if (hint !== undefined) hints.push(hint);
  return {
    event: "failed",
    ...(path === undefined ? {} : { path }),
    error: failure.kind,
    code: failure.row.code,
    message: first.replace(/^ftpx: /, ""),
    ...(hints.length === 0 ? {} : { hint: hints.join("; ") }),
    ...(Object.keys(details).length === 0 ? {} : { details }),
    exit: exitStatusOf(error),
  };
}

function withoutPath(error: unknown): unknown {
  if (!(error instanceof FtpxError)) return error;
  const { path: _path, ...details } = error.details;
  return new FtpxError(error.kind, details, { hint: error.hint });
}

function describeDefect(error: unknown, isDebug: boolean): string[] {
  const reason = error instanceof Error ? error.message : String(error);
  const line = `ftpx: a defect of ftpx: ${visible(reason)}`;
  if (isDebug) return [line, ...stackOf(error)];
  return [line, "hint: FTPX_DEBUG=1 shows where; please report it"];
}

function stackOf(error: unknown): string[] {
  const stack = error instanceof Error ? (error.stack ?? "") : "";
  return stack.split("\n").map(visible);
}

/** A sentence of the error table with its fields; nothing when one is missing that it needs. */
function fill(template: string, details: Details): string | undefined {
  const isThere = (name: string) => details[name as DetailName] !== undefined;
  // Segments go before fields come in: a field may hold brackets too.
  const sentence = template.replace(/\[([^\]]*)\]/g, (_all, segment: string) =>
    namesIn(segment).every(isThere) ? segment : "",
  );
  if (!namesIn(sentence).every(isThere)) return undefined;
  return sentence.replace(/\{(\w+)\}/g, (_all, name: string) => formatDetail(name, details));
}

function namesIn(template: string): string[] {
  return [...template.matchAll(/\{(\w+)\}/g)].map(([, name = ""]) => name);
}

function formatDetail(name: string, details: Details): string {
  const value = details[name as DetailName] ?? "";
  if (typeof value === "number" && DETAILS[name as DetailName].type === "size") {
    if (/^bytes$|Bytes$/.test(name)) return formatSize(value);
    if (name.endsWith("Ms")) return formatDuration(value);
  }
  return visible(String(value));
}

/** Whether a question would reach anybody. */
export function canAsk(): boolean {
  return isScreen(process.stderr) && process.stdin.isTTY;
}
