/**
 * The worker that digests files off the event loop; digests.ts gives it its jobs.
 *
 * Jobs take turns in slices of one chunk, so that a small file does not wait for a
 * huge one. Descriptors belong to the main thread and are valid here, because threads
 * share them: a file stays open until its job has answered.
 */
import fs from "node:fs";
import { parentPort } from "node:worker_threads";
import { createHasher } from "../base/digest.ts";
import type { Hasher } from "../base/digest.ts";
import { CHUNK_BYTES } from "../base/limits.ts";
import type { HasherReply, HasherRequest, Job } from "./digests.ts";

/** What is read at once: from here on larger reads are not faster. */
const READ_BYTES = 1024 * 1024;

/** One for all jobs, because only one reads at a time. */
const buffer = new Uint8Array(READ_BYTES);

/** Reads and digests on; answers undefined until the job is done. */
type Slice = () => Uint8Array[] | undefined;

interface Running {
  readonly job: Job;
  slice: Slice | undefined;
}

/** By id, in the order in which they take turns. */
const jobs = new Map<number, Running>();
let isBusy = false;

parentPort?.on("message", (request: HasherRequest) => {
  if ("cancel" in request) {
    cancel(request.cancel);
  } else {
    jobs.set(request.id, { job: request, slice: undefined });
    if (!isBusy) void work();
  }
});

/** After this answer the file is not read any more. A job that is done has answered already. */
function cancel(id: number): void {
  if (jobs.delete(id)) reply({ id, failure: "ECANCELED" });
}

async function work(): Promise<void> {
  isBusy = true;
  while (jobs.size > 0) {
    for (const running of jobs.values()) {
      running.slice ??= await sliceOf(running.job);
      if (jobs.has(running.job.id)) run(running.job, running.slice);
      await messages();
    }
  }
  isBusy = false;
}

function run({ id }: Job, slice: Slice): void {
  try {
    const digests = slice();
    if (digests === undefined) return;
    reply({ id, digests });
  } catch (error) {
    reply({ id, failure: (error as { code?: string }).code ?? "" });
  }
  jobs.delete(id);
}

async function sliceOf(job: Job): Promise<Slice> {
  const hasher = await createHasher(job.algorithm);
  return job.chunks === undefined ? wholeOf(job, hasher) : chunksOf(job, hasher);
}

/** The digest of all bytes up to the end. */
function wholeOf({ fd }: Job, hasher: Hasher): Slice {
  let offset = 0;
  return () => {
    const count = feed(hasher, fd, offset);
    offset += count;
    return count === CHUNK_BYTES ? undefined : [hasher.finish()];
  };
}

/** One digest a chunk; an empty file has one chunk, any other ends with its last byte. */
function chunksOf({ fd, firstChunk, chunks = 0 }: Job, hasher: Hasher): Slice {
  const digests: Uint8Array[] = [];
  return () => {
    const chunk = firstChunk + digests.length;
    const count = feed(hasher, fd, chunk * CHUNK_BYTES);
    if (count > 0 || chunk === 0) digests.push(hasher.finish());
    return count < CHUNK_BYTES || digests.length === chunks ? digests : undefined;
  };
}

/** Feeds one chunk, or what there is of it. */
function feed(hasher: Hasher, fd: number, offset: number): number {
  let fed = 0;
  while (fed < CHUNK_BYTES) {
    const length = Math.min(READ_BYTES, CHUNK_BYTES - fed);
    const count = fs.readSync(fd, buffer, 0, length, offset + fed);
    if (count === 0) break;
    hasher.update(buffer.subarray(0, count));
    fed += count;
  }
  return fed;
}

/** Lets waiting messages in. */
function messages(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

function reply(message: HasherReply): void {
  parentPort?.postMessage(message);
}
