/**
 * A file without a disk: keeps what is written, can hold writes back, and fails when told.
 */
import { OpenFile } from "../../src/base/openfile.ts";

export class FakeFile extends OpenFile {
  content: Uint8Array;
  /** Bytes of each write that ended. */
  readonly writes: number[] = [];
  /** Pieces of each write that was begun. */
  readonly pieceCounts: number[] = [];
  /** Thrown by the next write. */
  failure: unknown;
  #held: (() => void)[] = [];
  #isHolding = false;

  constructor(content = new Uint8Array(0)) {
    super(-1);
    this.content = content;
  }

  /** From here on writes wait for `release`. */
  hold(): void {
    this.#isHolding = true;
  }

  /** Lets the writes end that wait, and those that come. */
  release(): void {
    this.#isHolding = false;
    for (const go of this.#held.splice(0)) go();
  }

  override async read(into: Uint8Array, position: number): Promise<number> {
    const found = this.content.subarray(position, position + into.byteLength);
    into.set(found);
    return await Promise.resolve(found.byteLength);
  }

  override async write(pieces: readonly Uint8Array[], position: number): Promise<void> {
    this.pieceCounts.push(pieces.length);
    if (this.#isHolding) await new Promise<void>((resolve) => this.#held.push(resolve));
    else await Promise.resolve();
    const { failure } = this;
    this.failure = undefined;
    if (failure !== undefined) throw failure;
    let offset = position;
    for (const piece of pieces) {
      this.#reserve(offset + piece.byteLength);
      this.content.set(piece, offset);
      offset += piece.byteLength;
    }
    this.writes.push(offset - position);
  }

  override async truncate(bytes: number): Promise<void> {
    this.content = this.content.slice(0, bytes);
    await Promise.resolve();
  }

  #reserve(bytes: number): void {
    if (bytes <= this.content.byteLength) return;
    const longer = new Uint8Array(bytes);
    longer.set(this.content);
    this.content = longer;
  }
}
