/**
 * A raw connection of this process to the port of a server, from a loopback address of its own,
 * with TLS or without, that sends what it is told to and knows when it was closed.
 */
import { decodeError, FLAG_ERROR, HEADER_BYTES } from "../../src/wire/frame.ts";
import { TLS_OPTIONS } from "../../src/wire/tls.ts";

interface Raw {
  write(bytes: Uint8Array, offset: number, length: number): number;
  terminate(): void;
  pause(): void;
}

/** What is kept of what came last, for the error that the server says at the end. */
const KEPT_BYTES = 1024;

export class Stranger {
  readonly #closed = Promise.withResolvers<void>();
  readonly #shaken = Promise.withResolvers<boolean>();
  #socket: Raw | undefined;
  #isOpen = true;
  #sentBytes = 0;
  #receivedBytes = 0;
  #last = Buffer.alloc(0);
  #drained: () => void = () => {};

  /** Whether it speaks TLS. */
  readonly isSecure: boolean;

  private constructor(isSecure: boolean) {
    this.isSecure = isSecure;
  }

  /** @param address where it comes from; any of 127.0.0.0/8 */
  static async connect(port: number, address: string, { tls = true } = {}): Promise<Stranger> {
    const stranger = new Stranger(tls);
    const socket = {
      handshake: (_socket: unknown, isOk: boolean) => stranger.#shaken.resolve(isOk),
      data: (_socket: unknown, bytes: Uint8Array) => stranger.#heard(bytes),
      drain: () => stranger.#drained(),
      end: (peer: { end(): void }) => peer.end(),
      close: () => stranger.#gone(),
      error: () => stranger.#gone(),
    };
    const secure = tls ? { tls: { ...TLS_OPTIONS, rejectUnauthorized: false } } : {};
    const options = { hostname: "127.0.0.1", port, localAddress: address, ...secure, socket };
    stranger.#socket = (await Bun.connect(options as never)) as unknown as Raw;
    return stranger;
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  get shaken(): Promise<boolean> {
    return this.#shaken.promise;
  }

  get sentBytes(): number {
    return this.#sentBytes;
  }

  get receivedBytes(): number {
    return this.#receivedBytes;
  }

  /** The error frame with which the server ended it. */
  get lastError(): string | undefined {
    for (let at = 0; at + HEADER_BYTES <= this.#last.byteLength; at += 1) {
      const bodyBytes = this.#last.byteLength - at - HEADER_BYTES;
      const isFrame = this.#last[at] === 1 && this.#last.readUInt32BE(at + 8) === bodyBytes;
      if (isFrame && (this.#last.readUInt16BE(at + 2) & FLAG_ERROR) !== 0) {
        return decodeError(this.#last.subarray(at + HEADER_BYTES)).kind;
      }
    }
    return undefined;
  }

  /** Resolves when all of it is on its way, or nobody is there any more. */
  async send(bytes: Uint8Array): Promise<void> {
    let offset = 0;
    while (this.#isOpen && offset < bytes.byteLength) {
      const taken = this.#socket?.write(bytes, offset, bytes.byteLength - offset) ?? -1;
      if (taken < 0) return;
      offset += taken;
      this.#sentBytes += taken;
      if (offset < bytes.byteLength) {
        await Promise.race([
          this.closed,
          new Promise<void>((resolve) => {
            this.#drained = resolve;
          }),
        ]);
      }
    }
  }

  /** Reads nothing from here on. */
  deafen(): void {
    this.#socket?.pause();
  }

  terminate(): void {
    this.#socket?.terminate();
  }

  #heard(bytes: Uint8Array): void {
    this.#receivedBytes += bytes.byteLength;
    this.#last = Buffer.concat([this.#last, bytes]).subarray(-KEPT_BYTES);
  }

  #gone(): void {
    this.#isOpen = false;
    this.#closed.resolve();
    this.#shaken.resolve(false);
  }
}
