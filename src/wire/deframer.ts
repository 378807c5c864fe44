/**
 * Cuts a TCP stream into frames.
 *
 * A frame that lies whole inside one read is handed on as a view into it. One that
 * straddles reads is gathered; there is never more than one. File content is not
 * gathered but handed on piece by piece as it arrives, so bulk data is never copied
 * here.
 *
 * The body of a frame and a piece of content are lent: valid until the callback returns.
 */
import {
  CONTENT,
  CONTENT_PREFIX_BYTES,
  decodeContentOffset,
  decodeHeader,
  HEADER_BYTES,
} from "./frame.ts";
import type { Header } from "./frame.ts";

export interface FrameSink {
  /** Any frame but content, whole. */
  frame(header: Header, body: Uint8Array): void;
  /** A content frame begins that carries so many bytes. */
  begins?(contentBytes: number): void;
  /** Bytes of a content frame; a frame may come in any number of pieces, none empty. */
  content(requestId: number, offset: number, piece: Uint8Array): void;
}

/** A gather buffer above this is not kept for the next frame. */
const KEPT_BUFFER_BYTES = 16 * 1024;

export class Deframer {
  readonly #sink: FrameSink;
  #bodyBytesMax: number;
  /** The straddling frame: its first `#heldBytes` stand in `#held`. */
  #held = new Uint8Array(0);
  #heldBytes = 0;
  #neededBytes = HEADER_BYTES;
  /** What is still to come of the content frame that has begun. */
  #content = { requestId: 0, offset: 0, leftBytes: 0 };

  constructor(sink: FrameSink, bodyBytesMax: number) {
    this.#sink = sink;
    this.#bodyBytesMax = bodyBytesMax;
  }

  /** Holds for every header that is decoded from here on. */
  set bodyBytesMax(bytes: number) {
    this.#bodyBytesMax = bytes;
  }

  /**
   * @throws FtpxError WRONG_VERSION, BAD_FRAME, BODY_TOO_LARGE, OUT_OF_RANGE, and what
   *   the sink throws; the stream cannot be read on after that
   */
  push(received: Uint8Array): void {
    let rest = received;
    while (rest.byteLength > 0) {
      if (this.#content.leftBytes > 0) rest = this.#passOn(rest);
      else if (this.#heldBytes > 0) rest = this.#gather(rest);
      else rest = this.#take(rest);
    }
  }

  #passOn(bytes: Uint8Array): Uint8Array {
    const { requestId, offset, leftBytes } = this.#content;
    const piece = bytes.byteLength > leftBytes ? bytes.subarray(0, leftBytes) : bytes;
    this.#content.offset += piece.byteLength;
    this.#content.leftBytes -= piece.byteLength;
    this.#sink.content(requestId, offset, piece);
    return bytes.subarray(piece.byteLength);
  }

  /** A frame that begins at the front of `bytes`. */
  #take(bytes: Uint8Array): Uint8Array {
    const needed = this.#measure(bytes);
    if (needed === undefined || bytes.byteLength < needed) return this.#hold(bytes, needed);
    this.#deliver(bytes.subarray(0, needed));
    return bytes.subarray(needed);
  }

  #hold(bytes: Uint8Array, needed = HEADER_BYTES): Uint8Array {
    this.#neededBytes = needed;
    this.#reserve(needed);
    return this.#gather(bytes);
  }

  #gather(bytes: Uint8Array): Uint8Array {
    const taken = bytes.subarray(0, this.#neededBytes - this.#heldBytes);
    this.#held.set(taken, this.#heldBytes);
    this.#heldBytes += taken.byteLength;
    if (this.#heldBytes === this.#neededBytes) this.#finishGathering();
    return bytes.subarray(taken.byteLength);
  }

  #finishGathering(): void {
    const gathered = this.#held.subarray(0, this.#heldBytes);
    const needed = this.#measure(gathered) ?? HEADER_BYTES;
    if (needed > this.#heldBytes) {
      this.#neededBytes = needed;
      this.#reserve(needed);
      return;
    }
    this.#heldBytes = 0;
    this.#deliver(gathered);
    if (this.#held.byteLength > KEPT_BUFFER_BYTES) this.#held = new Uint8Array(0);
  }

  /** Bytes to gather for what begins here: a whole frame, or the prefix of a content frame. */
  #measure(bytes: Uint8Array): number | undefined {
    if (bytes.byteLength < HEADER_BYTES) return undefined;
    const header = decodeHeader(viewOf(bytes), 0, this.#bodyBytesMax);
    return header.command === CONTENT ? CONTENT_PREFIX_BYTES : HEADER_BYTES + header.bodyBytes;
  }

  #deliver(bytes: Uint8Array): void {
    const view = viewOf(bytes);
    const header = decodeHeader(view, 0, this.#bodyBytesMax);
    if (header.command !== CONTENT) {
      this.#sink.frame(header, bytes.subarray(HEADER_BYTES));
      return;
    }
    const leftBytes = header.bodyBytes - (CONTENT_PREFIX_BYTES - HEADER_BYTES);
    this.#content = {
      requestId: header.requestId,
      offset: decodeContentOffset(view, 0),
      leftBytes,
    };
    this.#sink.begins?.(leftBytes);
  }

  #reserve(bytes: number): void {
    if (this.#held.byteLength >= bytes) return;
    const larger = new Uint8Array(Math.max(bytes, 256));
    larger.set(this.#held.subarray(0, this.#heldBytes));
    this.#held = larger;
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
