/**
 * A user at a server, through the client library: what the scenario asks for, and whoever
 * comes back after a loss of power to go on.
 */
import { isKind } from "../../src/base/errors.ts";
import { ACK_EVERY_BYTES, CHUNK_BYTES } from "../../src/base/limits.ts";
import { DerivedKeys } from "../../src/base/scram.ts";
import type { RequestOf } from "../../src/client/client.ts";
import { Pace } from "../../src/client/pace.ts";
import { uploadOnce } from "../../src/client/put.ts";
import { Remote } from "../../src/client/remote.ts";
import type { CommandName } from "../../src/commands/table.ts";
import type { Server } from "../e2e/binary.ts";
import { jobOf } from "../support/job.ts";

export const PASSWORD = "pw";

/**
 * The first chunk and some more: the chunk is in the journal then, and the rest is not. The
 * last so many bytes may be acknowledged only when more has come.
 */
const INTERRUPT_BYTES = CHUNK_BYTES + 2 * ACK_EVERY_BYTES;

/** An upload that is to be cut off has to be larger. */
export const CUT_BYTES_MIN = INTERRUPT_BYTES + 1;

/** By user: derived once, because an account keeps its salt over all that happens. */
const KEYS = new Map<string, DerivedKeys>();

export class Person {
  readonly #remote: Remote;

  constructor(server: Server, user: string) {
    const keys = KEYS.get(user) ?? new DerivedKeys(() => PASSWORD);
    KEYS.set(user, keys);
    const { port, fingerprint } = server;
    const endpoint = { host: "127.0.0.1", port, fingerprint, name: "power" };
    this.#remote = new Remote({ endpoint, user, keys, software: "power", retriesMax: 5 });
  }

  async call<Name extends CommandName>(name: Name, request: RequestOf<Name>): Promise<void> {
    await this.#remote.call(name, request);
  }

  /**
   * As the command does it: again after what can be mended by that.
   *
   * @param path in the home, without a slash in front
   * @returns how much of the file the server held before the first attempt
   */
  async put(local: string, path: string): Promise<number> {
    let beganAt: number | undefined;
    const onProgress = (doneBytes: number) => (beganAt ??= doneBytes);
    const job = jobOf(local, `/${path}`, { onProgress });
    await this.#remote.retrying((client) => uploadOnce(client, job));
    return beganAt ?? 0;
  }

  /** A part is left that holds more than one chunk of the file, and not all of it. */
  async interruptedPut(local: string, path: string): Promise<void> {
    const interruption = new Interruption();
    const { signal } = interruption;
    const onProgress = (doneBytes: number) => interruption.acknowledge(doneBytes);
    const job = jobOf(local, `/${path}`, { pace: interruption, signal, onProgress });
    try {
      await this.#remote.retrying((client) => uploadOnce(client, job));
    } catch (error) {
      if (isKind(error, "INTERRUPTED")) return;
      throw error;
    }
    throw new Error(`${path} was to be interrupted and was not`);
  }

  close(): void {
    this.#remote.close();
  }
}

/** Ends an upload when so much was sent and its first chunk has arrived. */
class Interruption extends Pace {
  readonly #controller = new AbortController();
  readonly #hasArrived = Promise.withResolvers<void>();
  /** Before that the server holds it. */
  #beganAt: number | undefined;
  #sentBytes = 0;

  constructor() {
    super(Number.POSITIVE_INFINITY);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  acknowledge(doneBytes: number): void {
    this.#beganAt ??= doneBytes;
    if (doneBytes >= CHUNK_BYTES) this.#hasArrived.resolve();
  }

  override async wait(bytes: number): Promise<void> {
    this.#sentBytes += bytes;
    if ((this.#beganAt ?? 0) + this.#sentBytes <= INTERRUPT_BYTES) return;
    await this.#hasArrived.promise;
    this.#controller.abort();
  }
}
