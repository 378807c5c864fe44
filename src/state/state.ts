/**
 * The contract of contract.ts over the state worker.
 *
 * Calls that come while a batch is under way wait and form the next batch, so many
 * sessions share one sync. Calls take effect in the order in which they were made.
 */
import { Worker } from "node:worker_threads";
import { FtpxError } from "../base/errors.ts";
import type { Batches, State } from "./contract.ts";
import type { Job, Message, Outcome } from "./worker.ts";

/** In the compiled program all modules lie in one file, above the folders of the workers. */
const WORKER = Bun.isStandaloneExecutable ? "./state/worker.ts" : "./worker.ts";

/** Jobs of one batch; bounds how long the database holds other callers up. */
const BATCH_JOBS_MAX = 256;

interface Waiting {
  readonly job: Job;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** @throws FtpxError SERVER_RUNNING, STATE_FAILED */
export async function openState(file: string): Promise<State> {
  const remote = new RemoteState();
  await remote.open(file);
  const call =
    (method: string) =>
    (...args: unknown[]): Promise<unknown> =>
      remote.call({ method, args });
  const methods = Object.fromEntries(METHODS.map((method) => [method, call(method)]));
  const own = {
    close: () => remote.close(),
    get batches() {
      return remote.batches;
    },
  };
  return Object.assign(own, methods) as unknown as State;
}

const METHODS = [
  "account",
  "accounts",
  "audit",
  "recount",
  "charge",
  "credit",
  "forget",
  "openUpload",
  "upload",
  "uploads",
  "digests",
  "addChunks",
  "keepChunks",
  "publishing",
  "unpublish",
  "settle",
  "discard",
  "age",
  "register",
  "registration",
  "registrations",
  "decide",
  "withdraw",
  "ageRegistrations",
  "addInvite",
  "invites",
  "revokeInvite",
  "secret",
  "markStarted",
  "markStopped",
  "verify",
  "see",
  "seen",
  "totals",
] as const satisfies readonly (keyof State)[];

class RemoteState {
  readonly #worker = new Worker(new URL(WORKER, import.meta.url));
  #waiting: Waiting[] = [];
  #underWay: Waiting[] = [];
  #batchCount = 0;
  #batchMs = 0;
  #sentMs = 0;
  #sendingIsDue = false;
  /** Why no call can be answered any more. */
  #end: FtpxError | undefined;

  constructor() {
    this.#worker.on("message", (outcomes: Outcome[]) => this.#answered(outcomes));
    this.#worker.on("error", (error) => this.#died(String(error)));
    this.#worker.on("exit", () => this.#died("the state worker has ended"));
  }

  get batches(): Batches {
    return { count: this.#batchCount, seconds: this.#batchMs / 1000 };
  }

  open(file: string): Promise<void> {
    return this.#control({ type: "open", file }).catch((error: unknown) => {
      void this.#worker.terminate();
      throw error;
    });
  }

  async close(): Promise<void> {
    while (this.#underWay.length + this.#waiting.length > 0) {
      await this.call({ method: "account", args: [""] });
    }
    if (this.#end !== undefined) return;
    this.#end = new FtpxError("STATE_FAILED", { reason: "closed" });
    await this.#control({ type: "close" });
    await this.#worker.terminate();
  }

  call(job: Job): Promise<unknown> {
    if (this.#end !== undefined) return Promise.reject(this.#end);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ job, resolve, reject });
      this.#sendBatchSoon();
    });
  }

  #control(message: Message): Promise<void> {
    return new Promise((resolve, reject) => {
      const job = { method: message.type, args: [] };
      this.#underWay = [{ job, resolve: () => resolve(), reject }];
      this.#sentMs = performance.now();
      this.#worker.postMessage(message);
    });
  }

  /** A message to the worker costs as much as some jobs: those of one turn go together. */
  #sendBatchSoon(): void {
    if (this.#sendingIsDue || this.#underWay.length > 0) return;
    this.#sendingIsDue = true;
    setImmediate(() => {
      this.#sendingIsDue = false;
      this.#sendBatch();
    });
  }

  #sendBatch(): void {
    if (this.#underWay.length > 0 || this.#waiting.length === 0) return;
    this.#underWay = this.#waiting.splice(0, BATCH_JOBS_MAX);
    this.#sentMs = performance.now();
    const jobs = this.#underWay.map(({ job }) => job);
    this.#worker.postMessage({ type: "batch", jobs } satisfies Message);
  }

  #answered(outcomes: readonly Outcome[]): void {
    const answered = this.#underWay;
    this.#underWay = [];
    this.#batchCount += 1;
    this.#batchMs += performance.now() - this.#sentMs;
    this.#sendBatchSoon();
    for (const [index, { resolve, reject }] of answered.entries()) {
      const outcome = outcomes[index];
      if (outcome === undefined) reject(new Error("the state worker gave no answer"));
      else if ("value" in outcome) resolve(outcome.value);
      else reject(errorOf(outcome));
    }
  }

  #died(message: string): void {
    const failed = [...this.#underWay, ...this.#waiting];
    this.#underWay = [];
    this.#waiting = [];
    this.#end ??= new FtpxError("STATE_FAILED", { reason: message });
    for (const { reject } of failed) reject(this.#end);
  }
}

function errorOf(outcome: Exclude<Outcome, { value: unknown }>): Error {
  if ("kind" in outcome) return new FtpxError(outcome.kind, outcome.details);
  return new Error(outcome.defect);
}
