/**
 * The way to the operator's door where there are no unix sockets: the loopback interface, which
 * everybody on this machine reaches, so a secret comes before the first frame. Until it has come
 * nothing of the door hears of the connection. What is wrong or late is cut without a word, and
 * few may wait, so that strangers cost next to nothing.
 */
import { timingSafeEqual } from "node:crypto";
import type { Socket, SocketHandler } from "bun";
import { OPERATORS_WAITING_MAX, SIGN_IN_MS_MAX } from "../base/limits.ts";

interface Waiting {
  readonly timer: ReturnType<typeof setTimeout>;
  /** What has come of the secret. */
  shown: Uint8Array;
}

/** @param within what hears of a connection from its secret on */
export function behindSecret<Data>(
  secret: Uint8Array,
  within: SocketHandler<Data>,
): SocketHandler<Data> {
  const waiting = new Map<Socket<Data>, Waiting>();
  const forget = (socket: Socket<Data>): boolean => {
    clearTimeout(waiting.get(socket)?.timer);
    return waiting.delete(socket);
  };

  const check = (socket: Socket<Data>, one: Waiting, bytes: Uint8Array): void => {
    one.shown = Buffer.concat([one.shown, bytes]);
    if (one.shown.byteLength < secret.byteLength) return;
    if (!timingSafeEqual(one.shown.subarray(0, secret.byteLength), secret)) {
      socket.terminate();
      return;
    }
    forget(socket);
    void within.open?.(socket);
    const rest = one.shown.subarray(secret.byteLength);
    if (rest.byteLength > 0) void within.data?.(socket, Buffer.from(rest));
  };

  return {
    ...within,
    open(socket) {
      const timer = setTimeout(() => socket.terminate(), SIGN_IN_MS_MAX);
      waiting.set(socket, { timer, shown: new Uint8Array(0) });
      if (waiting.size > OPERATORS_WAITING_MAX) socket.terminate();
    },
    data(socket, bytes) {
      const one = waiting.get(socket);
      if (one === undefined) void within.data?.(socket, bytes);
      else check(socket, one, bytes);
    },
    close(socket, error) {
      if (!forget(socket)) void within.close?.(socket, error);
    },
  };
}
