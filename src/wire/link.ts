/**
 * One socket: what waits to be sent, and how it ends.
 *
 * Two lanes, served frame by frame: control frames go first, so that an `ls` is
 * answered while a file is on its way; content waits behind them in the order in
 * which the transfers offered it, so that no transfer starves another. A frame that
 * has begun is always finished first.
 *
 * Bun's `write` takes what fits and reports it; the rest stays here until `drain`.
 * The end is always: queue empty, FIN, the peer's FIN, close; `end()` alone would
 * make the kernel drop what was accepted. With a deadline, then RST.
 */
import { FtpxError } from "../base/errors.ts";
import {
  CLOSE_MS_MAX,
  HELD_BYTES_EACH,
  PAGES_QUEUE_BYTES_MAX,
  PROGRESS_MS_MAX,
  REPLY_QUEUE_BYTES_MAX,
  WRITE_STALL_MS_MAX,
} from "../base/limits.ts";
import { Patience } from "../base/patience.ts";

/** What a Link needs of a Bun socket, TCP or TLS. */
export interface RawSocket {
  /** Bytes taken; negative when closed. */
  write(bytes: Uint8Array, offset: number, length: number): number;
  shutdown(): void;
  end(): void;
  terminate(): void;
  pause(): void;
  resume(): void;
  /** The process need not wait for it. */
  unref(): void;
}

interface Waiting {
  readonly bytes: Uint8Array;
  /** Called once: the bytes are with the kernel, or never will be. */
  readonly sent?: (failure?: FtpxError) => void;
}

/** The peer does not take its replies; or there is no room for what it would send. */
type Obstacle = "replies" | "room";

type Phase = "open" | "finishing" | "shut" | "closed";

/** Small frames are joined up to this much, because each write is a TLS record and a system call. */
const JOIN_BYTES_MAX = 64 * 1024;
const JOINED_FRAME_BYTES_MAX = 16 * 1024;

export class Link {
  readonly #socket: RawSocket;
  readonly #closeMsMax: number;
  #phase: Phase = "open";
  #control: Waiting[] = [];
  #controlBytes = 0;
  /** They wait until there is room for more replies. */
  #roomless: (() => void)[] = [];
  #content: Waiting[] = [];
  /** What is being written: offset, and whom to tell. */
  #current: { bytes: Uint8Array; offset: number; waiting: Waiting[] } | undefined;
  #flushIsDue = false;
  /** As `#flushIsDue`, at the end of this turn of the event loop. */
  #joiningIsDue = false;
  /** The socket takes no more until it drains. */
  #isBlocked = false;
  /** Since then something waits. */
  #waitingSinceMs: number | undefined;
  /** Of the peer, with what waits. */
  readonly #patience = new Patience();
  /** It has taken something: in TLS nothing is, before the handshake has ended. */
  #hasTaken = false;
  /** Nothing is read while there is one. */
  readonly #obstacles = new Set<Obstacle>();
  #peerHasFinished = false;
  #isUnawaited = false;
  #closeTimer: ReturnType<typeof setTimeout> | undefined;

  /** @param closeMsMax how long the peer may take nothing while we close, and then its side */
  constructor(socket: RawSocket, closeMsMax = CLOSE_MS_MAX) {
    this.#socket = socket;
    this.#closeMsMax = closeMsMax;
  }

  get isOpen(): boolean {
    return this.#phase === "open";
  }

  /** Whether nothing is read. */
  get isPaused(): boolean {
    return this.#obstacles.size > 0;
  }

  /** Whether nothing is read because there is no room for it here. */
  get isHeld(): boolean {
    return this.#obstacles.has("room");
  }

  /** Reads nothing more until `room` resolves; what the socket has read already still comes. */
  holdUntil(room: Promise<void>): void {
    if (this.isHeld || this.#phase !== "open") return;
    this.#stopReading("room");
    void room.then(() => this.#readOn("room"));
  }

  /** Queues a control frame; the bytes are given. Nothing happens on a link that is closing. */
  send(bytes: Uint8Array): void {
    if (this.#phase !== "open") return;
    this.#control.push({ bytes });
    this.#controlBytes += bytes.byteLength + HELD_BYTES_EACH;
    if (this.#controlBytes > REPLY_QUEUE_BYTES_MAX) this.#stopReading("replies");
    this.#flushSoon(bytes);
  }

  /** Resolves when few bytes of control frames wait, or nothing goes out any more. */
  roomy(): Promise<void> {
    if (this.#controlBytes < PAGES_QUEUE_BYTES_MAX) return Promise.resolve();
    return new Promise((resolve) => this.#roomless.push(resolve));
  }

  /**
   * Queues a content frame. The bytes are lent until the promise settles.
   *
   * @throws FtpxError CONNECTION_LOST
   */
  sendContent(bytes: Uint8Array): Promise<void> {
    if (this.#phase !== "open") return Promise.reject(new FtpxError("CONNECTION_LOST"));
    return new Promise((resolve, reject) => {
      const sent = (failure?: FtpxError) => (failure === undefined ? resolve() : reject(failure));
      this.#content.push({ bytes, sent });
      this.#flushSoon(bytes);
    });
  }

  /** To be called from the socket's `drain`. */
  drained(): void {
    this.#isBlocked = false;
    this.#flush();
  }

  /**
   * Sends what is queued, then closes properly. What comes in meanwhile is of no interest.
   *
   * @param isUnawaited the peer has nothing to say any more: the process may end before its FIN
   */
  finish(isUnawaited = false): void {
    if (this.#phase !== "open") return;
    this.#phase = "finishing";
    this.#isUnawaited = isUnawaited;
    // Whatever comes is of no interest any more.
    for (const obstacle of this.#obstacles) this.#readOn(obstacle);
    this.#closeTimer = setTimeout(() => this.terminate(), this.#closeMsMax);
    if (isUnawaited) this.#closeTimer.unref();
    this.#flush();
    if (this.#phase === "finishing" && !this.#hasTaken) this.#giveUpSoon();
  }

  /** To be called from the socket's `end`: the peer sends no more. */
  peerFinished(): void {
    this.#peerHasFinished = true;
    if (this.#phase === "open") this.finish();
    else if (this.#phase === "shut") this.#socket.end();
  }

  terminate(): void {
    if (this.#phase === "closed") return;
    this.#socket.terminate();
    this.closed();
  }

  /** To be called from the socket's `close`; releases everybody who waits. */
  closed(): void {
    if (this.#phase === "closed") return;
    this.#phase = "closed";
    clearTimeout(this.#closeTimer);
    const waiting = [...(this.#current?.waiting ?? []), ...this.#content];
    this.#current = undefined;
    this.#control = [];
    this.#controlBytes = 0;
    this.#content = [];
    this.#welcome();
    for (const { sent } of waiting) sent?.(new FtpxError("CONNECTION_LOST"));
  }

  /** Whether bytes have waited too long for a peer that takes none of them, or next to none. */
  isStalled(nowMs: number): boolean {
    const msMax = this.#obstacles.has("replies") ? WRITE_STALL_MS_MAX : PROGRESS_MS_MAX;
    return this.#patience.lateMs({ msMax, sinceMs: this.#waitingSinceMs }, nowMs) !== undefined;
  }

  /**
   * Joins everything that is queued in the same turn of the event loop. A turn has many callbacks,
   * and each may have a small frame to send: they wait for the last of them. A frame that is not
   * joined with others has nothing to wait for.
   */
  #flushSoon({ byteLength }: Uint8Array): void {
    if (this.#flushIsDue || this.#isBlocked) return;
    if (byteLength <= JOINED_FRAME_BYTES_MAX) {
      if (this.#joiningIsDue) return;
      this.#joiningIsDue = true;
      setImmediate(() => {
        this.#joiningIsDue = false;
        this.#flush();
      });
      return;
    }
    this.#flushIsDue = true;
    queueMicrotask(() => {
      this.#flushIsDue = false;
      this.#flush();
    });
  }

  #flush(): void {
    if (this.#phase === "shut" || this.#phase === "closed") return;
    while (!this.#isBlocked) {
      this.#current ??= this.#next();
      if (this.#current === undefined) {
        this.#waitingSinceMs = undefined;
        break;
      }
      if (!this.#write(this.#current)) return;
    }
    if (this.#phase === "finishing" && this.#current === undefined) {
      this.#phase = "shut";
      this.#socket.shutdown();
      if (this.#isUnawaited) this.#socket.unref();
      if (this.#peerHasFinished) this.#socket.end();
    }
  }

  /** Whether the link is still alive afterwards. */
  #write(current: { bytes: Uint8Array; offset: number; waiting: Waiting[] }): boolean {
    const length = current.bytes.byteLength - current.offset;
    const taken = this.#socket.write(current.bytes, current.offset, length);
    if (taken < 0) {
      this.terminate();
      return false;
    }
    current.offset += taken;
    if (taken > 0) {
      this.#hasTaken = true;
      this.#closeTimer?.refresh();
    }
    if (this.#waitingSinceMs !== undefined) this.#patience.moved(taken);
    if (taken < length) {
      this.#isBlocked = true;
      this.#waitingSinceMs ??= performance.now();
      return true;
    }
    this.#current = undefined;
    for (const { sent } of current.waiting) sent?.();
    return true;
  }

  /** Nobody is there to be told anything; not at once, because the owner is told why first. */
  #giveUpSoon(): void {
    clearTimeout(this.#closeTimer);
    this.#closeTimer = setTimeout(() => this.terminate(), 0);
  }

  #next(): { bytes: Uint8Array; offset: number; waiting: Waiting[] } | undefined {
    const joined: Waiting[] = [];
    let joinedBytes = 0;
    for (;;) {
      const lane = this.#control.length > 0 ? this.#control : this.#content;
      const first = lane[0];
      const isSmall = first !== undefined && first.bytes.byteLength <= JOINED_FRAME_BYTES_MAX;
      if (first === undefined || (joined.length > 0 && !isSmall)) break;
      if (joinedBytes + first.bytes.byteLength > JOIN_BYTES_MAX && joined.length > 0) break;
      lane.shift();
      if (lane === this.#control) this.#tookControl(first.bytes.byteLength + HELD_BYTES_EACH);
      joined.push(first);
      joinedBytes += first.bytes.byteLength;
      if (!isSmall) break;
    }
    const [only] = joined;
    if (only === undefined) return undefined;
    const bytes = joined.length === 1 ? only.bytes : Buffer.concat(joined.map((one) => one.bytes));
    return { bytes, offset: 0, waiting: joined };
  }

  #tookControl(bytes: number): void {
    this.#controlBytes -= bytes;
    if (this.#controlBytes < REPLY_QUEUE_BYTES_MAX / 2) this.#readOn("replies");
    if (this.#controlBytes < PAGES_QUEUE_BYTES_MAX) this.#welcome();
  }

  #welcome(): void {
    if (this.#roomless.length === 0) return;
    for (const resolve of this.#roomless.splice(0)) resolve();
  }

  #stopReading(obstacle: Obstacle): void {
    if (!this.isPaused) this.#socket.pause();
    this.#obstacles.add(obstacle);
  }

  #readOn(obstacle: Obstacle): void {
    const wasThere = this.#obstacles.delete(obstacle);
    if (wasThere && !this.isPaused && this.#phase !== "closed") this.#socket.resume();
  }
}
