/**
 * Frames over one socket, for both ends: a Link for what goes out, a Deframer for
 * what comes in, pings, and the one way in which a broken connection ends.
 *
 * The owner hears frames and content until `closed`, which comes exactly once, with
 * the reason when there is one. A peer that breaks the protocol is told why in an
 * error frame of request id 0 before the connection is closed.
 */
import { free } from "../base/bytes.ts";
import { failureOf, FtpxError } from "../base/errors.ts";
import { PING_AFTER_MS, SILENCE_MS_MAX, USEFUL_BYTES_MIN } from "../base/limits.ts";
import { Chatter } from "./chatter.ts";
import { Deframer } from "./deframer.ts";
import type { FrameSink } from "./deframer.ts";
import {
  decodeError,
  encodeChecked,
  encodeError,
  encodeFrame,
  FLAG_ERROR,
  FLAG_REPLY,
  PING,
  sealContent,
  takeChecked,
} from "./frame.ts";
import type { Header } from "./frame.ts";
import { Link } from "./link.ts";
import type { RawSocket } from "./link.ts";

export interface ConnectionOwner extends FrameSink {
  closed(reason: FtpxError): void;
  /** A defect: something that is not an FtpxError came out of the owner. */
  defect(error: unknown): void;
}

const NO_BODY = new Uint8Array(0);
const CONNECTION_REQUEST_ID = 0;

export class Connection implements FrameSink {
  readonly #link: Link;
  readonly #owner: ConnectionOwner;
  readonly #deframer: Deframer;
  readonly #isChecked: boolean;
  readonly #isOperators: boolean;
  #lastHeardMs = performance.now();
  #isAsking = false;
  /** Pings of ours that were not answered yet. */
  #askedCount = 0;
  #lastSpokeMs = this.#lastHeardMs;
  /** Since the last look. */
  #hasSpoken = false;
  #chatter: Chatter | undefined;
  #hasClosed = false;
  #sentBytes = 0;
  #receivedBytes = 0;

  /**
   * @param isChecked both sides add a check to their frames, because there is no TLS
   * @param isOperators the other side is the operator's own server, on this machine
   */
  constructor(
    socket: RawSocket,
    owner: ConnectionOwner,
    bodyBytesMax: number,
    { isChecked = false, isOperators = false } = {},
  ) {
    this.#link = new Link(socket);
    this.#owner = owner;
    this.#deframer = new Deframer(this, bodyBytesMax);
    this.#isChecked = isChecked;
    this.#isOperators = isOperators;
  }

  get isOpen(): boolean {
    return !this.#hasClosed && this.#link.isOpen;
  }

  /** Content and framing that went out, before encryption. */
  get sentBytes(): number {
    return this.#sentBytes;
  }

  get receivedBytes(): number {
    return this.#receivedBytes;
  }

  set bodyBytesMax(bytes: number) {
    this.#deframer.bodyBytesMax = bytes;
  }

  send(command: number, flags: number, requestId: number, body: Uint8Array): void {
    const encode = this.#isChecked ? encodeChecked : encodeFrame;
    const frame = encode(command, flags, requestId, body);
    this.#sentBytes += frame.byteLength;
    this.#hasSpoken = true;
    this.#link.send(frame);
  }

  sendError(command: number, requestId: number, error: FtpxError): void {
    this.send(command, FLAG_REPLY | FLAG_ERROR, requestId, encodeError(error));
  }

  /**
   * Sends content that stands in `frame` behind CONTENT_PREFIX_BYTES; the frame is
   * lent until the promise settles. @throws FtpxError CONNECTION_LOST
   */
  sendContent(frame: Uint8Array, requestId: number, offset: number, bytes: number): Promise<void> {
    const sealed = sealContent(frame, requestId, offset, bytes);
    this.#sentBytes += sealed.byteLength;
    this.#hasSpoken = true;
    this.#chatter?.useful();
    return this.#link.sendContent(sealed);
  }

  /** Resolves when there is room for more replies, or nobody to take them. */
  roomy(): Promise<void> {
    return this.#link.roomy();
  }

  /** Whether the peer waits for us to read on. */
  get isHeld(): boolean {
    return this.#link.isHeld;
  }

  /** Reads nothing more until then, and does not call the peer silent meanwhile. */
  holdUntil(room: Promise<void>): void {
    if (this.isHeld) return;
    this.#link.holdUntil(room);
    void room.then(() => (this.#lastHeardMs = performance.now()));
  }

  /** To be called from the socket's `data`. The bytes are given: many are of no length afterwards. */
  received(read: Uint8Array, nowMs = performance.now()): void {
    if (!this.isOpen) return;
    this.#lastHeardMs = nowMs;
    this.#isAsking = false;
    this.#receivedBytes += read.byteLength;
    try {
      // Sockets hand out Buffers, and whoever keeps a slice of one keeps a view, not a copy.
      this.#deframer.push(new Uint8Array(read.buffer, read.byteOffset, read.byteLength));
    } catch (error) {
      if (!(error instanceof FtpxError)) this.#owner.defect(error);
      this.fail(failureOf(error));
    }
    free(read);
  }

  drained(): void {
    this.#link.drained();
  }

  /** The peer's FIN. End of stream completes nothing: whatever was open is cut off. */
  peerFinished(): void {
    this.#link.peerFinished();
    this.#close(new FtpxError("CONNECTION_LOST", { reason: "closed by the other side" }));
  }

  socketClosed(cause?: unknown): void {
    this.#link.closed();
    this.#close(new FtpxError("CONNECTION_LOST", {}, { cause }));
  }

  /** Tells the peer what ends the connection, and ends it. */
  fail(error: FtpxError): void {
    if (this.#hasClosed) return;
    this.sendError(0, CONNECTION_REQUEST_ID, error);
    this.#link.finish();
    this.#close(error);
  }

  /** Closes after everything that is queued has gone out. @param isUnawaited as of Link */
  finish(isUnawaited = false): void {
    this.#link.finish(isUnawaited);
    this.#close(new FtpxError("CONNECTION_LOST", { reason: "closed" }));
  }

  terminate(): void {
    this.#link.terminate();
    this.#close(new FtpxError("CONNECTION_LOST", { reason: "closed" }));
  }

  /**
   * To be called every WATCH_EVERY_MS: asks a silent peer, and gives up one that stays silent.
   * A peer that hears nothing of us is spoken to as well: on a slow line its question would come
   * behind megabytes, and it would call us silent meanwhile.
   */
  watch(nowMs: number): void {
    if (this.#hasSpoken) this.#lastSpokeMs = nowMs;
    this.#hasSpoken = false;
    const silentMs = nowMs - this.#lastHeardMs;
    if (this.#link.isStalled(nowMs) || (silentMs > SILENCE_MS_MAX && !this.#link.isPaused)) {
      const elapsedMs = Math.round(silentMs);
      this.#link.terminate();
      this.#close(new FtpxError("PEER_SILENT", { elapsedMs }));
    } else if (silentMs > PING_AFTER_MS ? !this.#isAsking : this.#isQuiet(nowMs)) {
      this.#isAsking = silentMs > PING_AFTER_MS;
      this.#askedCount += 1;
      this.send(PING, 0, CONNECTION_REQUEST_ID, NO_BODY);
    }
  }

  /** The owner has answered a request, or got an answer: that was no empty frame. */
  answered(): void {
    this.#chatter?.useful();
  }

  /** A frame carried nothing. @throws FtpxError EMPTY_FRAMES */
  heardNothing(): void {
    const nowMs = performance.now();
    this.#chatter ??= new Chatter(nowMs);
    this.#chatter.empty(nowMs);
  }

  frame(header: Header, received: Uint8Array): void {
    if (!this.isOpen) return;
    const body = this.#isChecked ? takeChecked(header, received) : received;
    if (header.command === PING) this.#pinged(header);
    else if ((header.flags & FLAG_ERROR) !== 0 && header.requestId === CONNECTION_REQUEST_ID) {
      this.#link.finish();
      this.#close(this.failureIn(body));
    } else {
      this.#owner.frame(header, body);
    }
  }

  begins(contentBytes: number): void {
    if (contentBytes < USEFUL_BYTES_MIN) this.heardNothing();
    else this.#chatter?.useful();
  }

  content(requestId: number, offset: number, piece: Uint8Array): void {
    if (this.isOpen) this.#owner.content(requestId, offset, piece);
  }

  /** What an error frame says. @throws FtpxError BAD_BODY */
  failureIn(body: Uint8Array): FtpxError {
    return decodeError(body, { isOperators: this.#isOperators });
  }

  #isQuiet(nowMs: number): boolean {
    return nowMs - this.#lastSpokeMs > PING_AFTER_MS;
  }

  #pinged({ flags, requestId }: Header): void {
    const isAnswer = (flags & FLAG_REPLY) !== 0;
    if (isAnswer && this.#askedCount > 0) this.#askedCount -= 1;
    else this.heardNothing();
    if (!isAnswer) this.send(PING, FLAG_REPLY, requestId, NO_BODY);
  }

  #close(reason: FtpxError): void {
    if (this.#hasClosed) return;
    this.#hasClosed = true;
    this.#owner.closed(reason);
  }
}
