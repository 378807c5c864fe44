/**
 * A Reader and a Writer over bytes, big-endian.
 *
 * The Reader's first failure sticks: a decoder reads straight through and asks
 * once, with `finish()`, whether all of it was there and nothing was left. Values
 * read after a failure are zero or empty and must not be used before that.
 */
import { timingSafeEqual } from "node:crypto";
import { FtpxError } from "./errors.ts";

const TEXT_DECODER = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const TEXT_ENCODER = new TextEncoder();

export class Reader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #offset = 0;
  #failure: string | undefined;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  u8(): number {
    return this.#take(1) ? this.#view.getUint8(this.#offset - 1) : 0;
  }

  u16(): number {
    return this.#take(2) ? this.#view.getUint16(this.#offset - 2) : 0;
  }

  u32(): number {
    return this.#take(4) ? this.#view.getUint32(this.#offset - 4) : 0;
  }

  /** An unsigned 64-bit number that is also a safe integer. */
  size(): number {
    if (!this.#take(8)) return 0;
    const value = this.#view.getBigUint64(this.#offset - 8);
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) return this.fail("number over 2^53-1", 0);
    return Number(value);
  }

  /** A view into what is being read, valid as long as that is. */
  bytes(length: number): Uint8Array {
    if (!this.#take(length)) return new Uint8Array(0);
    return this.#bytes.subarray(this.#offset - length, this.#offset);
  }

  /** UTF-8, checked: overlong forms, lone surrogates and stray bytes are failures. */
  text(length: number): string {
    const bytes = this.bytes(length);
    try {
      return TEXT_DECODER.decode(bytes);
    } catch {
      return this.fail("text is not UTF-8", "");
    }
  }

  get remainingBytes(): number {
    return this.#bytes.byteLength - this.#offset;
  }

  get hasFailed(): boolean {
    return this.#failure !== undefined;
  }

  fail<Value>(reason: string, value: Value): Value {
    this.#failure ??= reason;
    return value;
  }

  /** @throws FtpxError BAD_BODY with the first thing that was wrong */
  finish(): void {
    if (this.remainingBytes > 0) this.fail("bytes are left over", undefined);
    if (this.#failure !== undefined) throw new FtpxError("BAD_BODY", { reason: this.#failure });
  }

  #take(length: number): boolean {
    if (this.#failure !== undefined) return false;
    if (length > this.remainingBytes) return this.fail("body ends too early", false);
    this.#offset += length;
    return true;
  }
}

export class Writer {
  #bytes: Uint8Array;
  #view: DataView;
  #length = 0;

  constructor(capacityBytes = 256) {
    this.#bytes = new Uint8Array(capacityBytes);
    this.#view = new DataView(this.#bytes.buffer);
  }

  // The place is claimed in a statement of its own: claiming may move the bytes.
  u8(value: number): void {
    const offset = this.#claim(1);
    this.#view.setUint8(offset, value);
  }

  u16(value: number): void {
    const offset = this.#claim(2);
    this.#view.setUint16(offset, value);
  }

  u32(value: number): void {
    const offset = this.#claim(4);
    this.#view.setUint32(offset, value);
  }

  size(value: number): void {
    const offset = this.#claim(8);
    this.#view.setBigUint64(offset, BigInt(value));
  }

  bytes(value: Uint8Array): void {
    const offset = this.#claim(value.byteLength);
    this.#bytes.set(value, offset);
  }

  get byteLength(): number {
    return this.#length;
  }

  /** What was written so far. The Writer must not be used afterwards. */
  finish(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  #claim(length: number): number {
    const offset = this.#length;
    this.#length += length;
    if (this.#length > this.#bytes.byteLength) this.#grow();
    return offset;
  }

  #grow(): void {
    const larger = new Uint8Array(Math.max(this.#bytes.byteLength * 2, this.#length));
    larger.set(this.#bytes);
    this.#bytes = larger;
    this.#view = new DataView(larger.buffer);
  }
}

export function encodeText(text: string): Uint8Array {
  return TEXT_ENCODER.encode(text);
}

export function isSameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.byteLength === b.byteLength && Buffer.compare(a, b) === 0;
}

/** Takes the same time wherever two secrets of one length differ. */
export function isSameSecret(a: Uint8Array, b: Uint8Array | undefined): boolean {
  return b !== undefined && a.byteLength === b.byteLength && timingSafeEqual(a, b);
}

/** Of two keys of one length. */
export function exclusiveOr(a: Uint8Array, b: Uint8Array): Uint8Array {
  return a.map((byte, index) => byte ^ (b[index] ?? 0));
}

/**
 * A number that may be used as an offset, length or position of a file. Bun and
 * Node silently fall back to the current position for anything else.
 *
 * @throws FtpxError OUT_OF_RANGE
 */
export function checkSize(value: unknown, what: string): number {
  if (!Number.isSafeInteger(value) || (value as number) < 0) {
    throw new FtpxError("OUT_OF_RANGE", { reason: what });
  }
  return value as number;
}

/** Of less, the collector frees as much as a call costs. */
const FREED_BYTES_MIN = 4096;

/**
 * Gives the memory of what a socket handed out back at once; nobody may hold a view into it any
 * more. Bun allocates every read anew, and left to the collector tens of megabytes of them lie
 * about, each page of which was a fault when it was first touched.
 */
export function free({ buffer, byteLength }: Uint8Array): void {
  const isAllOfIt = buffer instanceof ArrayBuffer && buffer.byteLength === byteLength;
  if (isAllOfIt && byteLength >= FREED_BYTES_MIN) buffer.transfer(0);
}
