/**
 * Holds what comes for somebody who is not there yet, in its order.
 *
 * Content may arrive in the same read as the reply that announces it, or in the same
 * flight as the request that opens its file. The gate keeps a copy until the receiver has
 * been made, within two bounds: of bytes, and of pieces, because an empty one is not free.
 */
import { FtpxError } from "../base/errors.ts";
import { HELD_BYTES_EACH } from "../base/limits.ts";

export class Gate<Target> {
  readonly #heldBytesMax: number;
  readonly #heldCountMax: number;
  #held: ((target: Target) => void)[] = [];
  #heldBytes = 0;
  #target: Target | undefined;

  constructor(heldBytesMax: number) {
    this.#heldBytesMax = heldBytesMax;
    this.#heldCountMax = Math.ceil(heldBytesMax / HELD_BYTES_EACH);
  }

  /**
   * Delivers the piece, which is lent, at once; or a copy of it when the gate opens: a view
   * of one byte would hold all of what was read with it.
   *
   * @throws FtpxError WINDOW_EXCEEDED
   */
  pass(piece: Uint8Array, deliver: (target: Target, piece: Uint8Array) => void): void {
    if (this.#target !== undefined) {
      deliver(this.#target, piece);
      return;
    }
    this.#heldBytes += piece.byteLength;
    const isOver = this.#heldBytes > this.#heldBytesMax || this.#held.length >= this.#heldCountMax;
    if (isOver) throw new FtpxError("WINDOW_EXCEEDED");
    const copy = piece.slice();
    this.#held.push((target) => deliver(target, copy));
  }

  /** @throws what a delivery throws; the rest is dropped then */
  open(target: Target): void {
    this.#target = target;
    for (const deliver of this.#held.splice(0)) deliver(target);
  }
}
