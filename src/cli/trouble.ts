/**
 * A failure in words: `ftpx: PATH: text` and hints on stderr, and the same in JSON where a script
 * asked for it. The sentences are base/errors.ts's, which this fills in; the exit statuses are
 * status.ts's.
 */
import { DETAILS, FtpxError } from "../base/errors.ts";
import type { DetailName, Details } from "../base/errors.ts";
import { formatDuration, formatSize } from "../base/units.ts";
import { localFailure } from "../client/copy.ts";
import { visible } from "./escaping.ts";
import { endingSignal, exitStatusOf, worstStatus } from "./status.ts";
import { coloursOf, writeJson, writeNote } from "./terminal.ts";

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
  const isDebug = (process.env["FTPX_DEBUG"] ?? "") !== "";
  const { red, dim } = coloursOf(process.stderr);
  const [first = "", ...more] = describe(error, isDebug);
  const [, name = "", rest = ""] = /^(ftpx:)(.*)$/su.exec(first) ?? [];
  if (hint !== undefined) more.push(`hint: ${hint}`);
  const untold = more.filter((line) => !toldHints.has(line));
  for (const line of untold) if (line.startsWith("hint: ")) toldHints.add(line);
  writeNote([red(name) + rest, ...untold.map((line) => dim(line))].join("\n"));
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
  if (hint !== undefined) lines.push(`hint: ${visible(hint)}`);
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

let hasOutputFailed = false;

for (const stream of [process.stdout, process.stderr]) stream.on("error", outputFailed);

/** Whoever read the output has gone: the rest is for nobody. Anything else is a failure. */
function outputFailed(error: NodeJS.ErrnoException): void {
  if (error.code === "EPIPE" || hasOutputFailed) return;
  hasOutputFailed = true;
  const failure = localFailure(error, "standard output");
  showError(failure);
  const ownStatus = exitStatusOf(failure);
  process.once("exit", (status) => (process.exitCode = worstStatus([status, ownStatus])));
}
