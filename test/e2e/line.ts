/**
 * A TCP line that can be cut, between a client and the port of a server. What one side does not
 * take holds the other one up, as a network would.
 */
import type { Socket, TCPSocketListener } from "bun";

/** A TCP proxy that counts what goes towards the server and can break what is open. */
export class CuttableLine {
  readonly #target: number;
  readonly #listener: TCPSocketListener<Ends>;
  readonly #open = new Set<Socket<Ends>>();
  toServerBytes = 0;
  toClientBytes = 0;
  /** Nothing goes back to the client any more after so many bytes towards the server. */
  deafAfterBytes = Number.POSITIVE_INFINITY;

  constructor(target: number) {
    this.#target = target;
    this.#listener = Bun.listen<Ends>({
      hostname: "127.0.0.1",
      port: 0,
      data: undefined as unknown as Ends,
      socket: {
        open: (socket) => this.#accept(socket),
        data: (socket, bytes) => {
          this.toServerBytes += bytes.byteLength;
          forward(socket.data.toOther, bytes, socket);
        },
        drain: (socket) => flush(socket.data.toSelf),
        close: (socket) => {
          this.#open.delete(socket);
          socket.data.toOther.socket?.terminate();
        },
      },
    });
  }

  get port(): number {
    return this.#listener.port;
  }

  get isOpen(): boolean {
    return this.#open.size > 0;
  }

  /** Breaks every open connection, as a pulled cable and a reset would. */
  cut(): void {
    for (const socket of this.#open) socket.terminate();
  }

  close(): void {
    this.cut();
    this.#listener.stop(true);
  }

  #accept(socket: Socket<Ends>): void {
    this.#open.add(socket);
    const toSelf: Lane = { socket, waiting: [], source: undefined };
    const toOther: Lane = { socket: undefined, waiting: [], source: socket };
    socket.data = { toSelf, toOther };
    void Bun.connect({
      hostname: "127.0.0.1",
      port: this.#target,
      socket: {
        open: (other) => {
          toOther.socket = other;
          toSelf.source = other;
          // The client has gone in the meantime, and nobody else closes this one.
          if (!this.#open.has(socket)) other.terminate();
          flush(toOther);
        },
        data: (other, bytes) => {
          this.toClientBytes += bytes.byteLength;
          if (this.toServerBytes >= this.deafAfterBytes) return;
          forward(toSelf, bytes, other);
        },
        drain: () => flush(toOther),
        close: () => socket.terminate(),
      },
    }).catch(() => socket.terminate());
  }
}

type AnySocket = Pick<Socket<unknown>, "write" | "pause" | "resume" | "terminate">;

interface Lane {
  socket: AnySocket | undefined;
  waiting: Uint8Array[];
  /** Paused while something waits. */
  source: AnySocket | undefined;
}

interface Ends {
  toSelf: Lane;
  toOther: Lane;
}

function forward(lane: Lane, bytes: Uint8Array, source: AnySocket): void {
  lane.waiting.push(bytes);
  flush(lane);
  if (lane.waiting.length > 0) source.pause();
}

function flush(lane: Lane): void {
  while (lane.socket !== undefined) {
    const [first] = lane.waiting;
    if (first === undefined) {
      lane.source?.resume();
      return;
    }
    const taken = lane.socket.write(first, 0, first.byteLength);
    if (taken < 0) return;
    lane.waiting.shift();
    if (taken < first.byteLength) {
      lane.waiting.unshift(first.subarray(taken));
      return;
    }
  }
}
