/**
 * What commands about many files say of all of them: one line on stderr at the end, or an
 * event; what was left out, and why; and with `--dry-run` what would be done.
 */
import { formatCount, formatDuration, formatRate, formatSize } from "../base/units.ts";
import type { TreeEntry } from "../client/foliage.ts";
import { visible } from "./escaping.ts";
import { writeJson, writeLine, writeNote } from "./terminal.ts";

export interface Summary {
  readonly doneCount: number;
  readonly skippedCount: number;
  readonly failedCount: number;
  /** Of a sync: what is there as it must be, and what is not there any more. */
  readonly sameCount?: number;
  readonly deletedCount?: number;
  readonly movedBytes: number;
  readonly elapsedMs: number;
  /** It is what would be done. */
  readonly isDry?: boolean;
}

/** `12 files, 12.4 GB in 41.0 s, 302 MB/s; 3 skipped, 1 failed` */
export function summaryLine(summary: Summary): string {
  if (summary.isDry === true) return dryLine(summary);
  const { doneCount, movedBytes, elapsedMs, skippedCount, failedCount } = summary;
  const rate = (movedBytes / Math.max(1, elapsedMs)) * 1000;
  const moved =
    movedBytes === 0
      ? ` in ${formatDuration(elapsedMs)}`
      : `, ${formatSize(movedBytes)} in ${formatDuration(elapsedMs)}, ${formatRate(rate)}`;
  const others = [
    [summary.sameCount ?? 0, "the same"],
    [skippedCount, "skipped"],
    [summary.deletedCount ?? 0, "deleted"],
    [failedCount, "failed"],
  ] as const;
  const told = others.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`);
  const files = formatCount(doneCount, "file");
  return [`${files}${moved}`, told.join(", ")].filter((part) => part !== "").join("; ");
}

/** `would send 12 files, 12.4 GB, delete 5; 3 the same, 1 failed` */
function dryLine(summary: Summary): string {
  const { doneCount, movedBytes, deletedCount = 0, sameCount = 0 } = summary;
  const files = formatCount(doneCount, "file");
  const size = movedBytes === 0 ? [] : [formatSize(movedBytes)];
  const deleted = deletedCount === 0 ? [] : [`delete ${deletedCount}`];
  const others = [
    [sameCount, "the same"],
    [summary.skippedCount, "skipped"],
    [summary.failedCount, "failed"],
  ] as const;
  const told = others.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`);
  const would = [`would send ${files}`, ...size, ...deleted].join(", ");
  return [would, told.join(", ")].filter((part) => part !== "").join("; ");
}

export function tellSummary(isJson: boolean, summary: Summary): void {
  if (isJson) writeJson(summaryEvent(summary));
  else writeNote(summaryLine(summary));
}

/** `synced` for what knows of the same on both sides, else `summary`. */
export function summaryEvent(summary: Summary): Readonly<Record<string, unknown>> {
  const { doneCount, sameCount, skippedCount, deletedCount, failedCount, movedBytes } = summary;
  const of = sameCount === undefined ? { files: doneCount } : { sent: doneCount, same: sameCount };
  const event = sameCount === undefined ? "summary" : "synced";
  const counts = { ...of, skipped: skippedCount, deleted: deletedCount };
  const seconds = Math.round(summary.elapsedMs) / 1000;
  const dry = summary.isDry === true ? { dryRun: true } : {};
  return { event, ...dry, ...counts, failed: failedCount, bytes: movedBytes, seconds };
}

/** Something is left out on purpose, which is no failure. */
export function tellSkipped(isJson: boolean, path: string, kind: TreeEntry["kind"]): void {
  const reason = kind === "link" ? "a symbolic link" : "neither a file nor a directory";
  if (isJson) writeJson({ event: "skipped", path, reason });
  else writeNote(`ftpx: ${visible(path)}: skipped, ${reason}`);
}

/** What would be done without `--dry-run`. */
export function tellWould(
  isJson: boolean,
  action: "copy" | "make" | "delete",
  path: string,
  bytes?: number,
): void {
  if (isJson) writeJson({ event: "would", action, path, bytes });
  else {
    const size = bytes === undefined ? [] : [formatSize(bytes)];
    writeLine([action.padEnd(6), visible(path), ...size].join("  "));
  }
}
