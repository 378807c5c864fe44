/**
 * Digests of whole files, computed by a worker thread (hasher.ts).
 *
 * The thread is started by the first job, and again by the next one should it die.
 * An idle thread keeps no process alive.
 */
import type { Algorithm } from "../base/digest.ts";
import { FtpxError, errorOfSystem } from "../base/errors.ts";
import type { OpenFile } from "../base/openfile.ts";

export interface Job {
  readonly id: number;
  readonly fd: number;
  readonly algorithm: Algorithm;
  readonly firstChunk: number;
  /** Undefined: one digest over all content. */
  readonly chunks: number | undefined;
}

export type HasherRequest = Job | { readonly cancel: number };

export type HasherReply =
  | { readonly id: number; readonly digests: Uint8Array[] }
  /** The name of an errno; empty for a defect. */
  | { readonly id: number; readonly failure: string };

interface Waiting {
  readonly resolve: (digests: Uint8Array[]) => void;
  readonly reject: (error: unknown) => void;
}

/** In the compiled program all modules lie in one file, above the folders of the workers. */
const HASHER = Bun.isStandaloneExecutable ? "./store/hasher.ts" : "./hasher.ts";

/**
 * A file must stay open until its job has answered, also when it was cancelled: the
 * number of a closed descriptor soon belongs to another file.
 */
export class Digests {
  readonly #waiting = new Map<number, Waiting>();
  #worker: Worker | undefined;
  #lastId = 0;

  /**
   * One digest over the whole content.
   *
   * @throws FtpxError IO_FAILED, INTERRUPTED after `signal`, INTERNAL when the thread died
   */
  async plain(file: OpenFile, algorithm: Algorithm, signal?: AbortSignal): Promise<Uint8Array> {
    const job = { fd: file.fd, algorithm, firstChunk: 0, chunks: undefined };
    const [digest] = await this.#run(job, signal);
    if (digest === undefined) throw new Error("the hasher answered without a digest");
    return digest;
  }

  /**
   * The digests of `count` chunks from `firstChunk` on, fewer when the file ends before.
   * An empty file has one chunk.
   *
   * @throws FtpxError as `plain`
   */
  async chunks(
    file: OpenFile,
    algorithm: Algorithm,
    firstChunk: number,
    count: number,
    signal?: AbortSignal,
  ): Promise<Uint8Array[]> {
    if (count === 0) return [];
    return await this.#run({ fd: file.fd, algorithm, firstChunk, chunks: count }, signal);
  }

  /** Ends the thread; jobs that are not done reject with INTERNAL. */
  async close(): Promise<void> {
    const worker = this.#worker;
    if (worker === undefined) return;
    const ended = Promise.withResolvers<unknown>();
    worker.addEventListener("close", ended.resolve);
    worker.terminate();
    await ended.promise;
  }

  async #run(job: Omit<Job, "id">, signal: AbortSignal | undefined): Promise<Uint8Array[]> {
    if (signal?.aborted === true) throw new FtpxError("INTERRUPTED");
    const worker = (this.#worker ??= this.#start());
    const id = (this.#lastId += 1);
    const { promise, resolve, reject } = Promise.withResolvers<Uint8Array[]>();
    const cancel = () => ask(worker, { cancel: id });

    this.#waiting.set(id, { resolve, reject });
    signal?.addEventListener("abort", cancel, { once: true });
    worker.ref();
    ask(worker, { ...job, id });
    try {
      return await promise;
    } finally {
      signal?.removeEventListener("abort", cancel);
      if (this.#waiting.size === 0) worker.unref();
    }
  }

  #start(): Worker {
    const worker = new Worker(new URL(HASHER, import.meta.url).href);
    worker.addEventListener("message", (event: MessageEvent<HasherReply>) => {
      this.#settle(event.data);
    });
    worker.addEventListener("error", (event) => event.preventDefault());
    worker.addEventListener("close", () => this.#fail(worker));
    return worker;
  }

  #settle(reply: HasherReply): void {
    const waiting = this.#waiting.get(reply.id);
    this.#waiting.delete(reply.id);
    if ("digests" in reply) waiting?.resolve(reply.digests);
    else waiting?.reject(errorOfFailure(reply.failure));
  }

  /** The thread is gone, and with it whoever read the files. */
  #fail(worker: Worker): void {
    if (this.#worker !== worker) return;
    this.#worker = undefined;
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { reject } of waiting) {
      reject(new FtpxError("INTERNAL", { reason: "the thread that computes digests has ended" }));
    }
  }
}

function errorOfFailure(failure: string): unknown {
  if (failure === "ECANCELED") return new FtpxError("INTERRUPTED");
  if (failure === "") return new FtpxError("INTERNAL", { reason: "a digest failed" });
  return errorOfSystem(Object.assign(new Error(failure), { code: failure }));
}

function ask(worker: Worker, request: HasherRequest): void {
  worker.postMessage(request);
}
