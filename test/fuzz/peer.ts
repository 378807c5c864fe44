/**
 * One end of a connection that can send anything: frames by hand, whole or not, in pieces of any
 * size. What comes back is held to PROTOCOL.md all the same: whole frames, replies to what was
 * asked, bodies of their shapes. It is the fuzzer's own and shares only the codecs with the client.
 */
import type { Socket } from "bun";
import { FtpxError } from "../../src/base/errors.ts";
import { BODY_BYTES_MAX } from "../../src/base/limits.ts";
import { NOTICE_OF_CODE, NOTICES } from "../../src/commands/notices.ts";
import type { AnyCommand } from "../../src/commands/table.ts";
import { Deframer } from "../../src/wire/deframer.ts";
import type { FrameSink } from "../../src/wire/deframer.ts";
import {
  decodeError,
  encodeChecked,
  encodeFrame,
  FLAG_ERROR,
  FLAG_REPLY,
  PING,
  takeChecked,
} from "../../src/wire/frame.ts";
import type { Header } from "../../src/wire/frame.ts";
import { decodeBody } from "../../src/wire/shape.ts";
import type { Shape } from "../../src/wire/shape.ts";
import { exportBinding, PLAIN_BINDING, TLS_OPTIONS } from "../../src/wire/tls.ts";
import type { Chance } from "../support/chance.ts";

export type DoorName = "tls" | "plain" | "operator";

export interface Way {
  readonly door: DoorName;
  readonly port: number;
  /** The operator's socket. */
  readonly unix: string;
  /** The address of ours from which it comes. */
  readonly source: string;
}

/** What became of a request: a reply, the kind of a refusal, or the end of the connection. */
export type Answer =
  | { readonly outcome: "reply"; readonly value: Record<string, unknown> }
  | { readonly outcome: "refused"; readonly kind: string }
  | { readonly outcome: "closed" };

interface Asked {
  readonly row: AnyCommand | undefined;
  readonly settle: (answer: Answer) => void;
}

const CONNECT_MS_MAX = 10_000;
const NOTHING = new Uint8Array(0);

export class Peer implements FrameSink {
  readonly way: Way;
  /** What the server did that it must not. */
  readonly violations: string[] = [];
  /** Resolved when the connection is gone. */
  readonly gone: Promise<void>;
  /** The kind with which the server ended the connection, if it said one. */
  lastWord: string | undefined;
  receivedBytes = 0;
  isGone = false;
  /** Frames that nobody can foretell were sent: which ids they name is not known. */
  isSpoiled = false;
  readonly #socket: Socket;
  readonly #deframer = new Deframer(this, BODY_BYTES_MAX);
  readonly #asked = new Map<number, Asked>();
  /** Ids of frames that left here, in whatever state. */
  readonly #sentIds = new Set<number>();
  #waiting: Uint8Array[] = [];
  #leave: () => void = () => {};

  private constructor(way: Way, socket: Socket) {
    this.way = way;
    this.#socket = socket;
    this.gone = new Promise((resolve) => {
      this.#leave = resolve;
    });
  }

  /** Nothing when the server does not let it in. */
  static async open(way: Way): Promise<Peer | undefined> {
    const { door, port, unix, source } = way;
    const opening = Promise.withResolvers<Peer | undefined>();
    let peer: Peer | undefined;
    const begin = (socket: Socket): void => {
      peer = new Peer(way, socket);
      opening.resolve(peer);
    };
    const socket = {
      open: (opened: Socket) => void (door !== "tls" && begin(opened)),
      handshake: (opened: Socket) => begin(opened),
      data: (_socket: Socket, bytes: Uint8Array) => peer?.received(bytes),
      drain: () => peer?.flush(),
      end: (ended: Socket) => ended.end(),
      close: () => {
        peer?.closed();
        opening.resolve(undefined);
      },
      error: () => {},
      connectError: () => opening.resolve(undefined),
    };
    const address =
      door === "operator" ? { unix } : { hostname: "127.0.0.1", port, localAddress: source };
    const tls = door === "tls" ? { tls: { ...TLS_OPTIONS, rejectUnauthorized: false } } : {};
    Bun.connect({ ...address, ...tls, socket } as never).catch(() => opening.resolve(undefined));
    const timer = setTimeout(() => opening.resolve(undefined), CONNECT_MS_MAX);
    const opened = await opening.promise;
    clearTimeout(timer);
    return opened;
  }

  get isChecked(): boolean {
    return this.way.door === "plain";
  }

  get binding(): Uint8Array {
    return this.way.door === "tls" ? exportBinding(this.#socket) : PLAIN_BINDING;
  }

  /** A frame as this door wants it. */
  seal(command: number, flags: number, id: number, body: Uint8Array): Uint8Array {
    return (this.isChecked ? encodeChecked : encodeFrame)(command, flags, id, body);
  }

  /** From now on an answer to this id is no surprise. @returns what will become of it */
  expect(id: number, row?: AnyCommand): Promise<Answer> {
    const { promise, resolve } = Promise.withResolvers<Answer>();
    // An id that is used twice is answered once.
    this.#asked.get(id)?.settle({ outcome: "closed" });
    this.#asked.set(id, { row, settle: resolve });
    this.#sentIds.add(id);
    if (this.isGone) resolve({ outcome: "closed" });
    return promise;
  }

  /** Bytes in pieces of chance, or at once. */
  send(bytes: Uint8Array, chance?: Chance): void {
    if (this.isGone) return;
    if (chance === undefined) this.#waiting.push(bytes);
    else {
      for (let at = 0; at < bytes.byteLength;) {
        const end = at + chance.between(1, chance.pick([1, 13, 1000, 100_000]));
        this.#waiting.push(bytes.subarray(at, end));
        at = end;
      }
    }
    this.flush();
  }

  flush(): void {
    for (;;) {
      const [first] = this.#waiting;
      if (first === undefined || this.isGone) return;
      const taken = this.#socket.write(first);
      if (taken < first.byteLength) {
        if (taken > 0) this.#waiting[0] = first.subarray(taken);
        return;
      }
      this.#waiting.shift();
    }
  }

  /** FIN, RST, or nothing at all until the server goes. */
  finish(): void {
    if (!this.isGone) this.#socket.shutdown();
  }

  terminate(): void {
    if (!this.isGone) this.#socket.terminate();
    this.closed();
  }

  received(bytes: Uint8Array): void {
    this.receivedBytes += bytes.byteLength;
    try {
      this.#deframer.push(bytes);
    } catch (error) {
      const said = error instanceof FtpxError ? JSON.stringify(error.details) : "";
      this.violations.push(`the server's bytes: ${String(error)} ${said}`);
      this.terminate();
    }
  }

  closed(): void {
    if (this.isGone) return;
    this.isGone = true;
    this.#waiting = [];
    for (const { settle } of this.#asked.values()) settle({ outcome: "closed" });
    this.#asked.clear();
    this.#leave();
  }

  frame(header: Header, received: Uint8Array): void {
    const body = this.isChecked ? takeChecked(header, received) : received;
    const { command, flags, requestId } = header;
    if (command === PING) {
      if ((flags & FLAG_REPLY) === 0) this.send(this.seal(PING, FLAG_REPLY, requestId, NOTHING));
    } else if ((flags & FLAG_ERROR) !== 0) this.#refused(header, body);
    else if ((flags & FLAG_REPLY) !== 0) this.#replied(header, body);
    else this.#noticed(header, body);
  }

  content(requestId: number): void {
    if (!this.#sentIds.has(requestId)) this.#complain(`content for ${requestId}`);
  }

  #refused({ command, requestId }: Header, body: Uint8Array): void {
    const { kind } = decodeError(body, { isOperators: this.way.door === "operator" });
    if (kind === "INTERNAL" || kind === "SERVER_ERROR") {
      this.violations.push(`${kind} on ${requestId}`);
    }
    if (requestId === 0) this.lastWord = kind;
    else if (this.#asked.has(requestId)) this.#settle(requestId, { outcome: "refused", kind });
    // Command 0 is about a transfer, which ends after the reply that opened it.
    else if (command !== 0 && !this.#sentIds.has(requestId)) this.#complain(`${kind} on nothing`);
  }

  #replied({ command, requestId }: Header, body: Uint8Array): void {
    const asked = this.#asked.get(requestId);
    if (asked?.row === undefined || asked.row.code !== command) {
      // An id that was sent twice, or a frame that became another one.
      if (!this.#sentIds.has(requestId)) this.#complain(`reply ${command} to ${requestId}`);
      this.#settle(requestId, { outcome: "refused", kind: "another command" });
      return;
    }
    const value = decodeBody(asked.row.reply, body) as Record<string, unknown>;
    this.#settle(requestId, { outcome: "reply", value });
  }

  #noticed({ command, requestId }: Header, body: Uint8Array): void {
    const name = NOTICE_OF_CODE.get(command);
    if (name === undefined) this.#complain(`a request ${command} of the server's`);
    else decodeBody(NOTICES[name].body as Shape<unknown>, body);
    if (!this.#sentIds.has(requestId)) this.#complain(`notice ${name} for ${requestId}`);
  }

  #settle(id: number, answer: Answer): void {
    this.#asked.get(id)?.settle(answer);
    this.#asked.delete(id);
  }

  /** About an id, of which there is nothing to say when spoiled frames were sent. */
  #complain(what: string): void {
    if (!this.isSpoiled) this.violations.push(what);
  }
}
