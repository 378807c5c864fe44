/**
 * A socket without a network: takes as much of each write as the test says, keeps what it
 * took, and notes in order what else was done to it.
 */
import type { RawSocket } from "../../src/wire/link.ts";
import { joined } from "./octets.ts";

export const ALL = Number.POSITIVE_INFINITY;

export class FakeSocket implements RawSocket {
  /** How much each of the next writes takes; after that, `room`. */
  readonly takes: number[] = [];
  room = ALL;
  readonly writes: Uint8Array[] = [];
  /** shutdown, end, terminate, pause, resume, unref: as they came. */
  readonly calls: string[] = [];

  write(bytes: Uint8Array, offset: number, length: number): number {
    if (this.isGone) return -1;
    const taken = Math.min(this.takes.shift() ?? this.room, length);
    if (taken < 0) return taken;
    // What was taken may be overwritten by the caller at once.
    this.writes.push(bytes.slice(offset, offset + taken));
    return taken;
  }

  shutdown(): void {
    this.calls.push("shutdown");
  }

  end(): void {
    this.calls.push("end");
  }

  terminate(): void {
    this.calls.push("terminate");
  }

  pause(): void {
    this.calls.push("pause");
  }

  resume(): void {
    this.calls.push("resume");
  }

  unref(): void {
    this.calls.push("unref");
  }

  get sent(): Uint8Array {
    return joined(this.writes);
  }

  /** Whether close(2) was done, with or without RST. */
  get isGone(): boolean {
    return this.calls.includes("end") || this.calls.includes("terminate");
  }
}

/** Lets everything happen that was put off to the end of the turn. */
export async function turn(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}
