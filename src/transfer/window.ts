/**
 * Bytes in flight of one transfer: who may send, who must wait.
 *
 * The receiver acknowledges an offset when everything before it has been dealt
 * with; the sender stays within `windowBytes` of that. So a slow disk or a slow
 * reader stalls its own transfer, and never the connection or the memory.
 */
import { FtpxError } from "../base/errors.ts";

export class SendWindow {
  readonly windowBytes: number;
  #sentOffset: number;
  #acknowledgedOffset: number;
  #wake: (() => void) | undefined;
  #failure: FtpxError | undefined;

  constructor(windowBytes: number, startOffset: number) {
    this.windowBytes = windowBytes;
    this.#sentOffset = startOffset;
    this.#acknowledgedOffset = startOffset;
  }

  /** Everything up to here was dealt with. */
  get acknowledgedOffset(): number {
    return this.#acknowledgedOffset;
  }

  /** What was sent and not acknowledged. */
  get openBytes(): number {
    return this.#sentOffset - this.#acknowledgedOffset;
  }

  /** Somebody has more to send, and the other side has not made room for it. */
  get isShut(): boolean {
    return this.#wake !== undefined;
  }

  /** Waits until `bytes` (at most the window) may be sent, and counts them as sent. */
  async claim(bytes: number): Promise<void> {
    for (;;) {
      if (this.#failure !== undefined) throw this.#failure;
      if (this.#sentOffset + bytes - this.#acknowledgedOffset <= this.windowBytes) break;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    this.#sentOffset += bytes;
  }

  /**
   * @returns by how many bytes that goes on
   * @throws FtpxError OUT_OF_RANGE for what was never sent or goes back
   */
  acknowledge(offset: number): number {
    if (offset < this.#acknowledgedOffset || offset > this.#sentOffset) {
      throw new FtpxError("OUT_OF_RANGE", { reason: "acknowledged offset" });
    }
    const bytes = offset - this.#acknowledgedOffset;
    this.#acknowledgedOffset = offset;
    this.#wakeUp();
    return bytes;
  }

  /** Ends the transfer for the sender; a `claim` that waits throws this. */
  fail(failure: FtpxError): void {
    this.#failure ??= failure;
    this.#wakeUp();
  }

  #wakeUp(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }
}
