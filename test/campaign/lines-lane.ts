/**
 * One direction of one connection through a line: bytes come in by `take` and go out by the
 * pump, in order, with the faults between them that strike this direction. What concerns
 * both directions is its owner's.
 */
import type { Socket } from "bun";

export type Way = "toServer" | "toClient";

/** What strikes in front of byte `atByte` of its way. */
export type Fault = { readonly way: Way; readonly atByte: number } & (
  | { readonly kind: "reset" | "finish" | "strand" | "die" }
  | { readonly kind: "stall"; readonly forMs: number }
  | { readonly kind: "dribble"; readonly bytes: number }
  | { readonly kind: "flip"; readonly bit: number }
);

type AnySocket = Pick<
  Socket<unknown>,
  "write" | "pause" | "resume" | "terminate" | "shutdown" | "end"
>;

export interface LaneOwner {
  /** Resolves when something may be passed on. */
  moving(): Promise<void>;
  /** A fault strikes now; what it does to more than this lane is done in here. */
  strike(fault: Fault): void;
  /** The lane has passed on its end. */
  finished(): void;
}

/** More than this is not read ahead of what could be passed on. */
const QUEUE_BYTES_MAX = 256 * 1024;

export class Lane {
  passedBytes = 0;
  isOver = false;
  source: AnySocket | undefined;
  readonly #owner: LaneOwner;
  readonly #faults: Fault[];
  #target: AnySocket | undefined;
  #queue: Uint8Array[] = [];
  #queuedBytes = 0;
  #dribbleBytes = 0;
  /** No more bytes come: properly, or because the source is gone. */
  #end: "finished" | "abandoned" | undefined;
  #isBroken = false;
  /** FIN was sent in the middle: the rest goes nowhere. */
  #isCutShort = false;
  #wake: (() => void) | undefined;

  /** @param faults in the order of their places */
  constructor(owner: LaneOwner, faults: Fault[]) {
    this.#owner = owner;
    this.#faults = faults;
  }

  add(fault: Fault): void {
    this.#faults.push(fault);
    this.#faults.sort((a, b) => a.atByte - b.atByte);
  }

  begin(target: AnySocket): void {
    this.#target = target;
    if (this.#isBroken) target.terminate();
    else void this.#pump();
  }

  take(bytes: Uint8Array): void {
    this.#queue.push(bytes.slice());
    this.#queuedBytes += bytes.byteLength;
    if (this.#queuedBytes > QUEUE_BYTES_MAX) this.source?.pause();
    this.#wake?.();
  }

  finish(): void {
    this.#end ??= "finished";
    this.#wake?.();
  }

  abandon(): void {
    this.#end ??= "abandoned";
    this.#wake?.();
  }

  drained(): void {
    this.#wake?.();
  }

  /** RST to where this lane leads. */
  breakOff(): void {
    if (this.#isBroken) return;
    this.#isBroken = true;
    this.#target?.terminate();
    this.#wake?.();
  }

  hangUp(): void {
    this.#target?.end();
  }

  async #pump(): Promise<void> {
    while (!this.#isBroken) {
      const piece = this.#queue.shift();
      if (piece !== undefined) {
        await this.#carry(piece);
        this.#queuedBytes -= piece.byteLength;
        if (this.#queuedBytes <= QUEUE_BYTES_MAX / 2) this.source?.resume();
      } else if (this.#end === undefined) {
        await this.#sleep();
      } else {
        await this.#owner.moving();
        if (this.#end === "abandoned") this.breakOff();
        else this.#target?.shutdown();
        break;
      }
    }
    this.isOver = true;
    this.#owner.finished();
  }

  async #carry(piece: Uint8Array): Promise<void> {
    let rest = piece;
    while (rest.byteLength > 0 && !this.#isBroken && !this.#isCutShort) {
      const [fault] = this.#faults;
      const room = fault === undefined ? rest.byteLength : fault.atByte - this.passedBytes;
      if (fault !== undefined && room <= 0) {
        this.#faults.shift();
        await this.#strike(fault, rest);
      } else {
        const step = this.#dribbleBytes > 0 ? 1 : rest.byteLength;
        const bytes = Math.min(step, room, rest.byteLength);
        await this.#send(rest.subarray(0, bytes));
        rest = rest.subarray(bytes);
      }
    }
  }

  async #strike(fault: Fault, rest: Uint8Array): Promise<void> {
    this.#owner.strike(fault);
    if (fault.kind === "stall") await Bun.sleep(fault.forMs);
    if (fault.kind === "dribble") this.#dribbleBytes = fault.bytes;
    if (fault.kind === "flip") rest[0] = (rest[0] ?? 0) ^ (1 << fault.bit);
    if (fault.kind === "finish") {
      this.#isCutShort = true;
      this.#target?.shutdown();
    }
  }

  async #send(bytes: Uint8Array): Promise<void> {
    let offset = 0;
    while (offset < bytes.byteLength) {
      await this.#owner.moving();
      if (this.#isBroken) return;
      const taken = this.#target?.write(bytes, offset, bytes.byteLength - offset) ?? -1;
      if (taken < 0) {
        this.breakOff();
        return;
      }
      offset += taken;
      this.passedBytes += taken;
      if (taken < bytes.byteLength && offset < bytes.byteLength) await this.#sleep();
    }
    if (this.#dribbleBytes > 0) {
      this.#dribbleBytes -= bytes.byteLength;
      // Or the kernel would join them again.
      await Bun.sleep(0);
    }
  }

  /** Until something comes, drains or ends. */
  async #sleep(): Promise<void> {
    await new Promise<void>((resolve) => (this.#wake = resolve));
    this.#wake = undefined;
  }
}
