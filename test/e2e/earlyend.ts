/** A side of a connection that says goodbye too early, and properly: close_notify, then FIN. */
import type { RawSocket } from "../../src/wire/link.ts";

/** `write` takes all that it is given from here on, and passes on no more than so many bytes. */
export function endAfter(socket: RawSocket, bytesMax: number): void {
  const write = socket.write.bind(socket);
  let leftBytes = bytesMax;
  socket.write = (bytes, offset, length) => {
    if (length < leftBytes) {
      const taken = write(bytes, offset, length);
      leftBytes -= Math.max(0, taken);
      return taken;
    }
    if (leftBytes > 0) write(bytes, offset, leftBytes);
    if (leftBytes >= 0) socket.shutdown();
    leftBytes = -1;
    return length;
  };
}
