/**
 * What has come of the things that one command tries one by one: what fails has its line and
 * does not keep the others from being tried, what is left out on purpose is counted.
 */
import { isKind } from "../../base/errors.ts";
import type { TreeEntry } from "../../client/foliage.ts";
import { tellSkipped } from "../summary.ts";
import { worstStatus } from "../status.ts";
import { endsAll, failureAt, tellFailure } from "./failing.ts";

export class Tally {
  readonly #isJson: boolean;
  readonly #statuses: number[] = [];
  #failedCount = 0;
  #skippedCount = 0;

  constructor(isJson: boolean) {
    this.#isJson = isJson;
  }

  /** The worst. */
  get status(): number {
    return worstStatus(this.#statuses);
  }

  get failedCount(): number {
    return this.#failedCount;
  }

  get skippedCount(): number {
    return this.#skippedCount;
  }

  /** @throws FtpxError INTERRUPTED, CONNECTION_LOST, … that end all there is to do */
  async attempt(path: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      // Ctrl-C is about all of it, and about no file in particular.
      if (isKind(error, "INTERRUPTED")) throw error;
      const failure = failureAt(error, path);
      if (endsAll(failure)) throw failure;
      this.failed(path, failure);
    }
  }

  failed(path: string, error: unknown): void {
    this.#failedCount += 1;
    this.#statuses.push(tellFailure(path, error));
  }

  /** What no other side has: a link or a special file. */
  skip(path: string, kind: TreeEntry["kind"]): void {
    this.#skippedCount += 1;
    tellSkipped(this.#isJson, path, kind);
  }

  /** What has had its lines already. */
  add({ status, failedCount }: { readonly status: number; readonly failedCount: number }): void {
    this.#statuses.push(status);
    this.#failedCount += failedCount;
  }
}
