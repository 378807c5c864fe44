/**
 * Downloads that are over for this side, while acknowledgements of them are still on their way:
 * they tell those from acknowledgements of nothing, which are empty frames. Only as many are
 * known as can be open at once; what comes for an older one counts as nothing.
 */
import { TRANSFERS_MAX } from "../base/limits.ts";
import type { Transfer } from "./transfers.ts";

export class Trailing {
  readonly #transfers = new Map<number, Transfer>();

  keep(id: number, transfer: Transfer): void {
    if ((transfer.unacknowledgedBytes ?? 0) === 0) return;
    this.#transfers.set(id, transfer);
    const [oldest] = this.#transfers.keys();
    if (this.#transfers.size > TRANSFERS_MAX && oldest !== undefined)
      this.#transfers.delete(oldest);
  }

  /** By how many bytes it would have gone on. @throws FtpxError OUT_OF_RANGE */
  acknowledge(id: number, offset: number): number {
    const transfer = this.#transfers.get(id);
    if (transfer?.acknowledge === undefined) return 0;
    const bytes = transfer.acknowledge(offset);
    if (transfer.unacknowledgedBytes === 0) this.#transfers.delete(id);
    return bytes;
  }
}
