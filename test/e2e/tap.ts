/**
 * A tap on the line between a client and a server: it notes every byte of both directions, can
 * put bytes into the first flight of either, and can end the line by a plain FIN after any byte.
 *
 * What it sees are TLS records (RFC 8446, 5.1), whose types and lengths are not encrypted.
 */
import { createServer } from "node:net";
import type { AddressInfo, Server as Listener, Socket } from "node:net";
import { connect } from "node:net";

/** How a direction is meddled with. */
export interface Meddling {
  /** Changes what is sent first. */
  readonly first?: (bytes: Buffer) => Uint8Array;
  /** After so many bytes the receiver gets FIN, and the sender is not listened to any more. */
  readonly bytesMax?: number;
}

export interface TlsRecord {
  /** 20 change_cipher_spec, 21 alert, 22 handshake, 23 encrypted. */
  readonly type: number;
  readonly bytes: number;
}

export const HANDSHAKE = 22;
export const ENCRYPTED = 23;
const RECORD_HEADER_BYTES = 5;

interface Seen {
  readonly toServer: Buffer[];
  readonly toClient: Buffer[];
}

export class Tap {
  readonly #listener: Listener;
  readonly #open = new Set<Socket>();
  /** Of the last connection. */
  #seen: Seen = { toServer: [], toClient: [] };
  connectionCount = 0;

  private constructor(target: number, toServer: Meddling, toClient: Meddling) {
    this.#listener = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
      this.connectionCount += 1;
      const seen: Seen = { toServer: [], toClient: [] };
      this.#seen = seen;
      const server = connect({ port: target, host: "127.0.0.1", allowHalfOpen: true });
      this.#pass(client, server, toServer, seen.toServer);
      this.#pass(server, client, toClient, seen.toClient);
    });
  }

  static async open(
    target: number,
    { toServer = {}, toClient = {} }: { toServer?: Meddling; toClient?: Meddling } = {},
  ): Promise<Tap> {
    const tap = new Tap(target, toServer, toClient);
    const { promise, resolve } = Promise.withResolvers<void>();
    tap.#listener.listen(0, "127.0.0.1", resolve);
    await promise;
    return tap;
  }

  get port(): number {
    return (this.#listener.address() as AddressInfo).port;
  }

  get toServer(): Buffer {
    return Buffer.concat(this.#seen.toServer);
  }

  get toClient(): Buffer {
    return Buffer.concat(this.#seen.toClient);
  }

  close(): void {
    for (const socket of this.#open) socket.destroy();
    this.#listener.close();
  }

  #pass(from: Socket, to: Socket, { first, bytesMax }: Meddling, seen: Buffer[]): void {
    this.#open.add(from);
    let [passedBytes, isFirst] = [0, true];
    from.on("data", (received: Buffer) => {
      const changed = isFirst && first !== undefined ? Buffer.from(first(received)) : received;
      isFirst = false;
      const room = (bytesMax ?? Infinity) - passedBytes;
      const bytes = changed.subarray(0, Math.max(0, Math.min(room, changed.byteLength)));
      passedBytes += bytes.byteLength;
      if (bytes.byteLength > 0) {
        seen.push(bytes);
        to.write(bytes);
      }
      if (passedBytes >= (bytesMax ?? Infinity)) to.end();
    });
    from.on("end", () => to.end());
    from.on("error", () => to.destroy());
    from.on("close", () => {
      this.#open.delete(from);
      to.destroySoon();
    });
  }
}

/** The records that are whole. */
export function recordsIn(bytes: Buffer): TlsRecord[] {
  const records: TlsRecord[] = [];
  for (let at = 0; at + RECORD_HEADER_BYTES <= bytes.byteLength;) {
    const length = bytes.readUInt16BE(at + 3);
    records.push({ type: bytes[at] ?? 0, bytes: length });
    at += RECORD_HEADER_BYTES + length;
  }
  return records;
}

/** Where records begin and end, as offsets. */
export function boundariesIn(bytes: Buffer): number[] {
  let at = 0;
  return [0, ...recordsIn(bytes).map((record) => (at += RECORD_HEADER_BYTES + record.bytes))];
}
