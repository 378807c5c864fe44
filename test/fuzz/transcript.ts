/**
 * What a parser hands on, as bytes that can be compared: the same for a stream however it was cut,
 * because content that goes on is one piece. Fast, because millions of them are made.
 */
import type { FrameSink } from "../../src/wire/deframer.ts";
import type { Header } from "../../src/wire/frame.ts";

/** Called with each whole frame; the body is lent. */
type Hear = (header: Header, body: Uint8Array) => void;

const RECORD_BYTES = 17;
const FRAME = 1;
const CONTENT = 2;

export class Transcript implements FrameSink {
  readonly #hear: Hear | undefined;
  #bytes = Buffer.alloc(4096);
  #length = 0;
  #frameCount = 0;
  /** The content that may go on: where its record begins, of which transfer, and its next offset. */
  #content = { recordAt: -1, requestId: 0, offset: 0 };

  constructor(hear?: Hear) {
    this.#hear = hear;
  }

  /** Frames and runs of content so far. */
  get frameCount(): number {
    return this.#frameCount;
  }

  clear(): void {
    this.#length = 0;
    this.#frameCount = 0;
    this.#content.recordAt = -1;
  }

  isSame(other: Transcript): boolean {
    return (
      this.#length === other.#length &&
      this.#bytes.compare(other.#bytes, 0, other.#length, 0, this.#length) === 0
    );
  }

  frame(header: Header, body: Uint8Array): void {
    const { command, flags, requestId, bodyBytes } = header;
    this.#content.recordAt = -1;
    const at = this.#record(FRAME, requestId, bodyBytes);
    this.#bytes[at + 9] = command;
    this.#bytes.writeUInt16BE(flags, at + 10);
    this.#append(body);
    this.#hear?.(header, body);
  }

  content(requestId: number, offset: number, piece: Uint8Array): void {
    const open = this.#content;
    if (open.recordAt < 0 || open.requestId !== requestId || open.offset !== offset) {
      open.recordAt = this.#record(CONTENT, requestId, 0);
      this.#bytes.writeDoubleBE(offset, open.recordAt + 9);
      open.requestId = requestId;
    }
    open.offset = offset + piece.byteLength;
    const at = open.recordAt + 5;
    this.#bytes.writeUInt32BE(this.#bytes.readUInt32BE(at) + piece.byteLength, at);
    this.#append(piece);
  }

  /** One byte of kind, four of id and of length, eight of what the kind has. */
  #record(kind: number, requestId: number, bodyBytes: number): number {
    const at = this.#length;
    this.#reserve(RECORD_BYTES);
    this.#length += RECORD_BYTES;
    this.#frameCount += 1;
    this.#bytes.fill(0, at, this.#length);
    this.#bytes[at] = kind;
    this.#bytes.writeUInt32BE(requestId, at + 1);
    this.#bytes.writeUInt32BE(bodyBytes, at + 5);
    return at;
  }

  #append(piece: Uint8Array): void {
    this.#reserve(piece.byteLength);
    this.#bytes.set(piece, this.#length);
    this.#length += piece.byteLength;
  }

  #reserve(moreBytes: number): void {
    if (this.#length + moreBytes <= this.#bytes.byteLength) return;
    const larger = Buffer.alloc(2 * (this.#length + moreBytes));
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
  }
}
