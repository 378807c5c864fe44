/**
 * Copies files, several at once, over the connections that Remote makes: each with
 * retries, progress and one line at its end, failures included.
 */
import { FtpxError, isKind, withHint, withPath } from "../../base/errors.ts";
import type { Algorithm } from "../../base/digest.ts";
import type { VirtualPath } from "../../base/path.ts";
import type { Client } from "../../client/client.ts";
import type { Copied, CopyJob, CopyMemory } from "../../client/copy.ts";
import { downloadOnce } from "../../client/get.ts";
import type { Pace } from "../../client/pace.ts";
import { uploadOnce } from "../../client/put.ts";
import { NO_PLACE } from "../../client/retries.ts";
import { Progress } from "../progress.ts";
import type { FileProgress } from "../progress.ts";
import { exitStatusOf, worstStatus } from "../status.ts";
import { writeNote } from "../terminal.ts";
import { showError } from "../trouble.ts";
import { blaming, endsAll, tellFailure } from "./failing.ts";
import { inLanes, workInLanes } from "./parallel.ts";
import { HINT_PARENTS, HINT_RECURSIVE } from "./verb.ts";
import type { Stage } from "./verb.ts";

export interface CopyTask {
  readonly direction: "upload" | "download";
  readonly local: string;
  readonly path: VirtualPath;
  /** What events and failures call it, when it is to be found there later. */
  readonly called?: string;
  /** What progress calls it. */
  readonly label: string;
  /** As far as it is known beforehand. */
  readonly totalBytes: number | undefined;
  /** The source's, as far as it is known. */
  readonly modifiedMs?: number;
  /** It was found in a tree: a link that stands there now was not meant. */
  readonly isInTree?: boolean;
  /** Those of a later wave wait until all of this one are done. */
  readonly wave?: number;
  /** Right before it is copied. @throws FtpxError when it must not be */
  readonly prepare?: () => Promise<void>;
  /** It is there. */
  readonly finish?: () => Promise<void>;
}

export interface CopySettings {
  readonly algorithm: Algorithm;
  readonly pace: Pace | undefined;
  readonly isFresh: boolean;
  readonly mayReplace: boolean;
  /** Files at once; when nobody said, small ones do not wait for one another's answers. */
  readonly jobs: number | undefined;
}

/** What became of files. */
export interface Outcome {
  /** The worst. */
  readonly status: number;
  readonly doneCount: number;
  readonly failedCount: number;
  /** That were moved now. */
  readonly movedBytes: number;
  readonly elapsedMs: number;
  /** The person or the connection ended it. */
  readonly isEnded: boolean;
}

/** Someone who pressed Ctrl-C does not wait longer for a copy to end in good order. */
const GRACE_MS = 1500;

export async function runCopies(
  stage: Stage,
  tasks: readonly CopyTask[],
  settings: CopySettings,
): Promise<Outcome> {
  const sizes = tasks.map(({ totalBytes }) => totalBytes ?? Number.NaN);
  const sum = sizes.reduce((all, size) => all + size, 0);
  const progress = new Progress(stage.isJson, tasks.length, Number.isNaN(sum) ? undefined : sum);
  const copies = new Copies(stage, settings, progress);
  try {
    return await copies.run(tasks);
  } finally {
    progress.close();
  }
}

class Copies {
  readonly #stage: Stage;
  readonly #settings: CopySettings;
  readonly #progress: Progress;
  readonly #statuses: number[] = [];
  #count = 0;
  #triedCount = 0;
  #doneCount = 0;
  #failedCount = 0;
  #movedBytes = 0;
  /** What ended all of it. */
  #end: unknown;

  constructor(stage: Stage, settings: CopySettings, progress: Progress) {
    this.#stage = stage;
    this.#settings = settings;
    this.#progress = progress;
  }

  async run(tasks: readonly CopyTask[]): Promise<Outcome> {
    const startedMs = performance.now();
    this.#count = tasks.length;
    const waveCount = tasks.reduce((most, { wave = 0 }) => Math.max(most, wave + 1), 0);
    for (let wave = 0; wave < waveCount; wave += 1) {
      await this.#copyAll(tasks.filter((task) => (task.wave ?? 0) === wave));
    }
    if (isKind(this.#end, "INTERRUPTED")) {
      // Of several files it is about none in particular.
      const failure = tasks.length === 1 ? this.#end : new FtpxError("INTERRUPTED");
      showError(failure, "run the same command again: it goes on where it was");
      this.#statuses.push(exitStatusOf(failure));
    } else if (tasks.length > this.#triedCount) {
      writeNote(`ftpx: ${tasks.length - this.#triedCount} more files were not tried`);
    }
    return {
      status: worstStatus(this.#statuses),
      doneCount: this.#doneCount,
      failedCount: this.#failedCount,
      movedBytes: this.#movedBytes,
      elapsedMs: performance.now() - startedMs,
      isEnded: this.#end !== undefined,
    };
  }

  async #copyAll(tasks: readonly CopyTask[]): Promise<void> {
    const { jobs } = this.#settings;
    const bytesOf = ({ totalBytes = Infinity }: CopyTask) => totalBytes;
    const { transfersMax } = this.#stage.remote;
    const lanes =
      jobs === undefined ? inLanes(tasks, bytesOf, transfersMax) : [{ items: tasks, jobs }];
    await workInLanes(lanes, (task) => this.#work(task));
  }

  async #work(task: CopyTask): Promise<void> {
    if (this.#end !== undefined) return;
    this.#triedCount += 1;
    await this.#copy(task);
  }

  async #copy(task: CopyTask): Promise<void> {
    const { signal } = this.#stage;
    const file = this.#progress.begin({ ...task, path: task.called ?? task.path });
    const startedMs = performance.now();
    const copy = new Copy(this.#stage, task, this.#settings, file);
    try {
      await task.prepare?.();
      const copied = await endedBy(signal, copy.run());
      await task.finish?.();
      file.done({ ...copied, elapsedMs: performance.now() - startedMs });
      this.#doneCount += 1;
      this.#movedBytes += copied.bytes - copied.resumedAt;
    } catch (error) {
      file.failed();
      this.#failed(task, await blaming(this.#stage.remote, task.path, error));
    }
  }

  #failed(task: CopyTask, error: unknown): void {
    const { path, called = path } = task;
    const failure = this.#count === 1 ? withPath(hinted(task, error), called) : hinted(task, error);
    if (endsAll(failure) || isKind(failure, "INTERRUPTED")) this.#end ??= failure;
    // One Ctrl-C ends all of them; it is told once, by whoever runs the verb.
    if (isKind(failure, "INTERRUPTED")) return;
    this.#failedCount += 1;
    this.#statuses.push(tellFailure(called, failure, hintOf(failure)));
  }
}

/** The retries are used up, and the error's own row does not say what that means for a copy. */
function hintOf(failure: unknown): string | undefined {
  if (!isKind(failure, ...NO_PLACE, "UNREACHABLE", "SERVER_STOPPING")) return undefined;
  return "what was copied is kept: the same command goes on where it was";
}

/** What the words of the command can do about it. */
function hinted({ direction, isInTree }: CopyTask, error: unknown): unknown {
  if (isInTree === true) return error;
  return direction === "download"
    ? withHint(error, HINT_RECURSIVE, "IS_A_DIRECTORY")
    : withHint(error, HINT_PARENTS, "NO_SUCH_PATH");
}

/** One file, over as many connections as it takes. */
class Copy {
  readonly #stage: Stage;
  readonly #task: CopyTask;
  readonly #settings: CopySettings;
  readonly #file: FileProgress;
  readonly #memory: CopyMemory = {};
  #doneBytes = 0;
  /** Where the first attempt began, once it has. */
  #beganAt: number | undefined;

  constructor(stage: Stage, task: CopyTask, settings: CopySettings, file: FileProgress) {
    this.#stage = stage;
    this.#task = task;
    this.#settings = settings;
    this.#file = file;
  }

  async run(): Promise<Copied> {
    const { remote, signal } = this.#stage;
    const progress = () => this.#doneBytes;
    const copied = await remote.retrying((client) => this.#attempt(client), { signal, progress });
    // What an attempt of this very command had moved is no earlier one.
    const resumedAt = Math.min(copied.resumedAt, this.#beganAt ?? 0);
    const wasThere = copied.wasThere === true && resumedAt === copied.bytes;
    return { ...copied, resumedAt, wasThere };
  }

  #attempt(client: Client): Promise<Copied> {
    const { direction } = this.#task;
    const { fingerprint, user } = this.#stage;
    const job = this.#job();
    if (direction === "upload") return uploadOnce(client, job);
    return downloadOnce(client, job, `${fingerprint} ${user}`);
  }

  #job(): CopyJob {
    const { local, path, isInTree } = this.#task;
    const { algorithm, pace, mayReplace, isFresh } = this.#settings;
    return {
      local,
      path,
      algorithm,
      pace,
      memory: this.#memory,
      mayReplace,
      mayFollow: isInTree !== true,
      // An attempt after the first goes on with what that one moved.
      isFresh: isFresh && this.#beganAt === undefined,
      signal: this.#stage.signal,
      onProgress: (doneBytes, totalBytes) => {
        this.#beganAt ??= doneBytes;
        this.#doneBytes = doneBytes;
        this.#file.update(doneBytes, totalBytes);
      },
    };
  }
}

/**
 * What the work ends with. After the signal it has a moment to end in good order; a line
 * that is dead would keep it for a minute.
 *
 * @throws FtpxError INTERRUPTED
 */
async function endedBy<Value>(signal: AbortSignal, work: Promise<Value>): Promise<Value> {
  const late = Promise.withResolvers<never>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const abort = () => {
    timer = setTimeout(() => late.reject(new FtpxError("INTERRUPTED")), GRACE_MS);
  };
  if (signal.aborted) abort();
  signal.addEventListener("abort", abort, { once: true });
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", abort);
  }
}
