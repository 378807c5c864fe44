/**
 * Holds what comes for somebody who is not there yet, in its order.
 *
 * Content may arrive in the same read as the reply that announces it, or in the same
 * flight as the request that opens its file. The gate keeps it until the receiver has
 * been made, within a bound.
 */
import { FtpxError } from "../base/errors.ts";

export class Gate<Target> {
  readonly #heldBytesMax: number;
  #held: ((target: Target) => void)[] = [];
  #heldBytes = 0;
  #target: Target | undefined;

  constructor(heldBytesMax: number) {
    this.#heldBytesMax = heldBytesMax;
  }

  /** Delivers at once, or when the gate opens. @throws FtpxError WINDOW_EXCEEDED */
  pass(bytes: number, deliver: (target: Target) => void): void {
    if (this.#target !== undefined) {
      deliver(this.#target);
      return;
    }
    this.#heldBytes += bytes;
    if (this.#heldBytes > this.#heldBytesMax) throw new FtpxError("WINDOW_EXCEEDED");
    this.#held.push(deliver);
  }

  /** @throws what a delivery throws; the rest is dropped then */
  open(target: Target): void {
    this.#target = target;
    for (const deliver of this.#held.splice(0)) deliver(target);
  }
}
