/**
 * Files that are to be copied, gathered before the first one is: what `get` and `put` make of
 * their words (fetches.ts, sends.ts), and what the options leave of it.
 */
import { FtpxError, isKind } from "../../base/errors.ts";
import { systemPath } from "../../base/path.ts";
import { outlineOf } from "../../base/openfile.ts";
import type { Outline } from "../../base/openfile.ts";
import type { VirtualPath } from "../../base/path.ts";
import { isSameTime } from "../../client/plan.ts";
import { ASKED_AT_ONCE, workThrough } from "../../client/queue.ts";
import { tellSummary, tellWould } from "../summary.ts";
import { worstStatus } from "../status.ts";
import { runCopies } from "./jobs.ts";
import type { CopySettings, CopyTask } from "./jobs.ts";
import { rehearseCopies } from "./rehearsal.ts";
import type { Tally } from "./tally.ts";
import type { Stage } from "./verb.ts";
import { stat } from "node:fs/promises";

export interface Batch {
  readonly tasks: readonly CopyTask[];
  /** What has come of gathering them. */
  readonly tally: Tally;
  /** Directories that would be made; without `--dry-run` they are there. */
  readonly directories: readonly string[];
  /** When the files are there. */
  readonly finish?: () => Promise<void>;
}

export interface BatchOptions {
  readonly isDry: boolean;
  readonly isUpdate: boolean;
}

/** @returns the worst status */
export async function runBatch(
  stage: Stage,
  batch: Batch,
  settings: CopySettings,
  { isDry, isUpdate }: BatchOptions,
): Promise<number> {
  const { tally, directories } = batch;
  demandDistinct(batch.tasks);
  const tasks = isUpdate ? await withoutCurrent(stage, batch.tasks) : batch.tasks;
  const skippedCount = tally.skippedCount + batch.tasks.length - tasks.length;
  if (isDry) {
    for (const directory of directories) tellWould(stage.isJson, "make", directory);
    const fitting = await rehearseCopies(stage, { tasks, directories, tally }, settings);
    for (const { label, path, totalBytes } of fitting) {
      tellWould(stage.isJson, "copy", stage.isJson ? path : label, totalBytes);
    }
    return tally.status;
  }
  const outcome = await runCopies(stage, tasks, settings);
  if (!outcome.isEnded) await batch.finish?.();
  const failedCount = tally.failedCount + outcome.failedCount;
  if (batch.tasks.length + skippedCount + tally.failedCount > 1) {
    tellSummary(stage.isJson, { ...outcome, failedCount, skippedCount });
  }
  return worstStatus([tally.status, outcome.status]);
}

/** What is not older at its destination, and of the same size, stays. */
async function withoutCurrent(stage: Stage, tasks: readonly CopyTask[]): Promise<CopyTask[]> {
  const current = new Set<CopyTask>();
  await workThrough(tasks, ASKED_AT_ONCE, async (task) => {
    const { direction, local, path } = task;
    const here = await factsHere(local);
    const there = await factsThere(stage, path);
    const [source, target] = direction === "upload" ? [here, there] : [there, here];
    if (source === undefined || target === undefined || source.bytes !== target.bytes) return;
    const { modifiedMs } = source;
    if (target.modifiedMs >= modifiedMs || isSameTime(target.modifiedMs, modifiedMs)) {
      current.add(task);
    }
  });
  return tasks.filter((task) => !current.has(task));
}

/** What cannot be looked at is not current, and what is wrong with it is told when it is copied. */
async function factsHere(local: string): Promise<Outline | undefined> {
  const stats = await stat(systemPath(local), { bigint: true }).catch(() => undefined);
  if (stats === undefined || !stats.isFile()) return undefined;
  return outlineOf(stats);
}

/** @throws FtpxError INTERRUPTED, CONNECTION_LOST, … */
export async function factsThere(stage: Stage, path: VirtualPath): Promise<Outline | undefined> {
  try {
    const facts = await stage.remote.call("stat", { path }, stage.signal);
    return facts.kind === "file" ? facts : undefined;
  } catch (error) {
    const isOfFile = error instanceof FtpxError && error.row.ends === "request";
    if (isOfFile && !isKind(error, "INTERRUPTED")) return undefined;
    throw error;
  }
}

/** Two files of one command must not become one. @throws FtpxError USAGE */
function demandDistinct(tasks: readonly CopyTask[]): void {
  const places = new Set<string>();
  for (const { direction, local, path } of tasks) {
    const place = direction === "upload" ? path : local;
    if (places.has(place)) {
      throw new FtpxError("USAGE", { reason: `two files would become ${place}` });
    }
    places.add(place);
  }
}
